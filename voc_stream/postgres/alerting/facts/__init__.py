"""Reads the facts that alert rules judge: one file for each kind."""
