"""A Kafka-compatible broker and a real PostgreSQL on one machine, without root, Docker or Java."""

from __future__ import annotations


class EmbeddedError(Exception):
    """A part did not start or cannot be used; the message says which, why and what to do."""
