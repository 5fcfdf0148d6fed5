"""One Faust worker: fetches, hands on, applies, and does its chores."""
