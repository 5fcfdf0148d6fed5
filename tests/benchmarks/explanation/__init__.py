"""Whom an alert names, and whether it was their doing."""
