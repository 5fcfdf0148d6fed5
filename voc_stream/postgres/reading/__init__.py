"""Reads what the tables say, for commands and metrics."""
