"""What commands show on a terminal or in a log."""
