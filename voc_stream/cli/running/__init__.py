"""Sets up the processes that run for months, and runs the one of the chores."""
