"""What the database is: tables, views, rows, migrations, and which installation it belongs to."""
