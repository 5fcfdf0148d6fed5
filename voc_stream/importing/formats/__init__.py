"""Reads rows of a file, whatever format and encoding it has."""
