"""Keeps what complaints say: counts of grams, suggested categories, and terms that are new."""
