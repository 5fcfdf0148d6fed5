"""Lets a worker's chores run in a process of their own, beside the stream."""
