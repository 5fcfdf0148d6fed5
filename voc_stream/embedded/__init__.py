"""A Kafka-compatible broker and a real PostgreSQL on one machine, without root, Docker or Java."""
