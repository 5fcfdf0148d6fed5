"""Unpacks the bytes that Kafka gives, within limits, and cuts them into messages."""
