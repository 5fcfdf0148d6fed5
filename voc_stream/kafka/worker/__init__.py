"""Runs one Faust worker: it fetches, hands on, applies, and does its chores."""
