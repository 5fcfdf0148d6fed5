"""Keeps what is kept: tables, migrations, the transaction of a batch, and the chores of tables."""
