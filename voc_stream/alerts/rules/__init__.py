"""Declares the alert rules, one file each: when it starts, what it says, and when it ends."""
