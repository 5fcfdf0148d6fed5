"""Asks the broker for ids of topics and ends of logs, over a connection of its own.

Its calls block: make them from a thread. The consumer has a connection, and asks there where the
logs of its partitions end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka import KafkaConsumer, TopicPartition

from voc_stream.kafka.connection.ask import TopicsError, explained
from voc_stream.kafka.connection.security import client_options
from voc_stream.kafka.topics import (
    BOOTSTRAP_TIMEOUT_MS,
    input_topics,
    require_readable,
    require_worker_access,
    topic_ids,
)
from voc_stream.pipeline.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voc_stream.settings import Settings

FETCH_TIMEOUT_SECONDS = 5.0


class LogReader:
    """Asks one Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """Kafka's ids of these topics. Raises TopicsError."""
        return topic_ids(self._settings, topics)

    def access_problem(self) -> str | None:
        """Why the brokers do not serve a worker now, in words for an operator; None if they do."""
        try:
            require_worker_access(self._settings)
        except TopicsError as error:
            return str(error)
        return None

    def ends(self, listed_ends: Mapping[Partition, int]) -> Mapping[Partition, int]:
        """Where the logs end, found by fetching their last records, unread. Raises TopicsError.

        The embedded broker lists as the end of a log the first offset of its last batch, plus one.
        Only a fetch tells its real end. Kafka itself lists the real end, which the fetch then
        repeats.
        """
        with explained(self._settings):
            consumer = KafkaConsumer(
                **client_options(self._settings),
                bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
                client_id="voc-stream-log-reader",
                enable_auto_commit=False,
            )
            # Only the end of a log is asked for. Reading its last records would take their codec,
            # and as much memory as they unpack to.
            consumer._fetcher.PartitionRecords = lambda *_, **__: None  # noqa: SLF001  kafka-python has no setting for it
            try:
                return _fetched_ends(consumer, listed_ends)
            finally:
                consumer.close(autocommit=False)


def read_log_ends(settings: Settings) -> Mapping[Partition, int]:
    """The end of each partition of each input topic.

    Blocking. Raises TopicsError if no broker answers.
    """
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


def _fetched_ends(
    consumer: KafkaConsumer, listed_ends: Mapping[Partition, int]
) -> Mapping[Partition, int]:
    pending = {partition for partition, end in listed_ends.items() if end > 0}
    consumer.assign([TopicPartition(*partition) for partition in pending])
    for partition in pending:
        consumer.seek(TopicPartition(*partition), listed_ends[partition] - 1)
    ends = dict(listed_ends)
    deadline = time.monotonic() + FETCH_TIMEOUT_SECONDS
    while pending and time.monotonic() < deadline:
        consumer.poll(timeout_ms=200)
        for partition in list(pending):
            end = consumer.highwater(TopicPartition(*partition))
            if end is not None:
                ends[partition] = max(ends[partition], end)
                pending.discard(partition)
                consumer.pause(TopicPartition(*partition))
    return ends
