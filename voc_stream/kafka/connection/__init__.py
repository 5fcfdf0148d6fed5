"""How to speak to Kafka: protocol, credentials, rights, and plain words for what keeps it from answering."""
