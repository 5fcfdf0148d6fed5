"""What the tables say, for commands and metrics."""
