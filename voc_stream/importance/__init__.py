"""Measures how much experiences matter: what of an outcome they explain, and in which way; pure."""
