"""Connects to Kafka with protocol, credentials and rights, and says why Kafka does not answer."""
