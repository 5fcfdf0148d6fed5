"""One guilty message must not hold up the others: found, set aside, and counted against a limit."""
