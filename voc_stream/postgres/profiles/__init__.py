"""Tells whose profile has changed, so that batches need not lock customers whom they only read."""
