"""The life of a worker: what it waits for at the start, what it knows of itself, and what ends it."""
