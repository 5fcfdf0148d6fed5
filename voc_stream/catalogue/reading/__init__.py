"""Reads the parts of a catalogue file, and complains about what breaks a rule."""
