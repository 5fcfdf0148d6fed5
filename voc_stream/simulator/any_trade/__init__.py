"""Plays the call centre of any trade: whatever a catalogue declares."""
