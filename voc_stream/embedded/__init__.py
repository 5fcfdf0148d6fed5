"""Runs a Kafka-compatible broker and a real PostgreSQL, without root, Docker or Java."""
