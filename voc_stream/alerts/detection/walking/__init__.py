"""Walks detectors through days and hours: what is usual, and where they stand; pure."""
