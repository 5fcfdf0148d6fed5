"""The life of a worker.

What it waits for at the start, what it knows of itself, and what ends it.
"""
