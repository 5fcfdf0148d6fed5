"""Declares what passes between Kafka and the store: values, ports and limits. No I/O."""
