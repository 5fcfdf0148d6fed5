"""The door to Kafka: the only package that imports Faust, aiokafka, mode or kafka-python."""
