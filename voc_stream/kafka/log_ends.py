"""Where the input logs end, for the commands `status` and `up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from voc_stream.kafka.log_reader import LogReader
from voc_stream.kafka.topics import TopicsError, input_topics, require_broker
from voc_stream.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.settings import Settings

BOOTSTRAP_TIMEOUT_MS = 5_000


def read_log_ends(settings: Settings) -> Mapping[Partition, int]:
    """The end of each partition of each input topic. Blocking. Raises TopicsError where no broker answers."""
    bootstrap = settings.kafka_bootstrap
    require_broker(bootstrap)
    try:
        consumer = KafkaConsumer(bootstrap_servers=bootstrap, bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS, enable_auto_commit=False)
    except KafkaError as error:
        raise TopicsError(f"no broker answers at {bootstrap}: check VOC_KAFKA_BOOTSTRAP ({error})") from error
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in input_topics(settings.topic_prefix)
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        listed = {Partition(*partition): end for partition, end in consumer.end_offsets(partitions).items()}
    except KafkaError as error:
        raise TopicsError(f"Kafka at {bootstrap} does not tell the ends of its logs ({error})") from error
    finally:
        consumer.close(autocommit=False)
    return {**listed, **LogReader(bootstrap).ends(listed)}
