"""Reads what a command is given: types of options, and the catalogue of the settings."""
