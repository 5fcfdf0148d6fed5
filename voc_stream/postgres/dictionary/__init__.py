"""Writes the data dictionary from what the tables and views say of themselves."""
