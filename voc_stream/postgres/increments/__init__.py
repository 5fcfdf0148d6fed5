"""Keeps what batches add to sums, and merges many batches' increments into the tables of sums."""
