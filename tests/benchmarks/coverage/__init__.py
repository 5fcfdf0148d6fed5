"""How often the intervals that the tables show hold the truth."""
