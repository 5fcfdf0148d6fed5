"""Delivers events to the topic as messages: late, twice, broken or taken back."""
