"""Speaks to Kafka.

It holds protocol, credentials and rights, and plain words for what keeps Kafka from answering.
"""
