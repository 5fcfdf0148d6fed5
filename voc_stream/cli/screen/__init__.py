"""Shows what commands say, on a terminal or in a log."""
