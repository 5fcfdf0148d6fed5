"""Where the input logs end, for the commands `status` and `up`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import KafkaConsumer, TopicPartition

from voc_stream.kafka.connection.ask import explained
from voc_stream.kafka.connection.security import client_options
from voc_stream.kafka.log_reader import LogReader
from voc_stream.kafka.topics import BOOTSTRAP_TIMEOUT_MS, input_topics, require_readable
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.settings import Settings


def read_log_ends(settings: Settings) -> Mapping[Partition, int]:
    """The end of each partition of each input topic. Blocking. Raises TopicsError where no broker answers."""
    topics = input_topics(settings.topic_prefix)
    require_readable(settings)
    with explained(settings):
        consumer = KafkaConsumer(
            **client_options(settings),
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            enable_auto_commit=False,
        )
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            listed = {
                Partition(*partition): end
                for partition, end in consumer.end_offsets(partitions).items()
            }
        finally:
            consumer.close(autocommit=False)
    return {**listed, **LogReader(settings).ends(listed)}
