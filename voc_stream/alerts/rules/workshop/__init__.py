"""Rules about orders in the workshop."""
