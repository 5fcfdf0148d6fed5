"""Opens the door to Kafka: only this package imports Faust, aiokafka, mode or kafka-python."""
