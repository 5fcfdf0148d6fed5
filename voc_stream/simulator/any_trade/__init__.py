"""The call centre of any trade: whatever a catalogue declares is played."""
