"""What events mean: pure folds from events to states, contributions and risks. No I/O, no clock."""
