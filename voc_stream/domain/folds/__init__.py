"""Folds moments of which a state keeps few, however many there are."""
