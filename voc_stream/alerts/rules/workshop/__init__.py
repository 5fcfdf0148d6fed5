"""Declares rules about orders in the workshop."""
