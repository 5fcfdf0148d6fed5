"""Worlds whose answers are not independent, and what our detector does in them."""
