"""Declares the database: tables, views, rows, migrations, and which installation it belongs to."""
