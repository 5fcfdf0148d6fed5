"""Says where each cell of a database lies."""
