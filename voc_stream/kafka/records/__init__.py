"""The bytes that Kafka gives, unpacked within limits and cut into messages."""
