"""Turns a batch of events into changed rows and contributions."""
