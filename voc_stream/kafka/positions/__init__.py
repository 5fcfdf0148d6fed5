"""Knows where each partition stands, what was fetched from it, and whether it may go on."""
