"""Declares the tables, a file a concept: columns with comments, and how a row is made."""
