"""Reads what was said: the event types, their decoding and their published schemas."""
