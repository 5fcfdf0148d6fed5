"""Governs the life of a worker: what it waits for, what it knows of itself, and what ends it."""
