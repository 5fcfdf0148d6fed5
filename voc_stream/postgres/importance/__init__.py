"""Derives how much ratings matter from what was answered together."""
