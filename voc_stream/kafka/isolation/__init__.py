"""Isolates a guilty message, so that it holds up no other, and counts it against a limit."""
