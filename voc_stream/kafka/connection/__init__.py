"""How to speak to Kafka.

Protocol, credentials, rights, and plain words for what keeps it from answering.
"""
