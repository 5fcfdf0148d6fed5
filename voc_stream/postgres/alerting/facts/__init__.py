"""Facts that alert rules judge, read from the tables: one file for each kind."""
