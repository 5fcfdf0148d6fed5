"""The messages: sent once for all peers."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.peers.job import DUPLICATE_SHARE, PARTITIONS, TOPICS
from kafka import KafkaProducer

from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.topics import ensure_topics, input_topics, topic_ids
from voc_stream.settings import Settings
from voc_stream.simulator.load.benchmark_mix import benchmark_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka.producer.future import FutureRecordMetadata

TIMEOUT_SECONDS = 120.0
TOPICS_SECONDS = 30.0
SEED = 1
LINGER_MS = 500
BATCH_BYTES = 64 * 1024
MAXIMUM_WAITING = 20_000


class Input(NamedTuple):
    """A filled set of topics, what was sent to it, and when that was over."""

    bootstrap: str
    prefix: str
    values: Sequence[bytes]
    filled_at: datetime

    @property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics that hold messages."""
        return tuple(self.prefix + topic for topic in TOPICS)


def fill(bootstrap: str, messages: int) -> Input:
    """Send so many messages of the mix.

    They occurred over the last hour. Raises TopicsError, KafkaError.
    """
    settings = replace(
        Settings(),
        kafka_bootstrap=bootstrap,
        topic_prefix=f"peers-{messages}.",
        partitions=PARTITIONS,
    )
    ensure_topics(settings)
    _wait_for_topics(settings)
    values: list[bytes] = []
    # Compressed as `voc-stream push` does it; it lingers until batches are full, as they are where
    # much is sent.
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        compression_type="gzip",
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
    )
    try:
        start = datetime.now(UTC) - timedelta(hours=1)
        interval = min(0.001, 3500 / messages)
        waiting: deque[FutureRecordMetadata] = deque()
        for each in benchmark_events(
            count=messages,
            seed=SEED,
            start=start,
            duplicate_share=DUPLICATE_SHARE,
            interval_seconds=interval,
        ):
            value = each.value or b""
            values.append(value)
            waiting.append(
                producer.send(settings.topic_prefix + each.topic, key=each.key, value=value)
            )
            if len(waiting) > MAXIMUM_WAITING:
                waiting.popleft().get(TIMEOUT_SECONDS)
        producer.flush(TIMEOUT_SECONDS)
        for future in waiting:
            future.get(TIMEOUT_SECONDS)
    finally:
        producer.close(TIMEOUT_SECONDS)
    return Input(bootstrap, settings.topic_prefix, values, datetime.now(UTC))


def _wait_for_topics(settings: Settings) -> None:
    """Apache Kafka tells of a topic a moment after it has accepted to make it.

    Raises TopicsError.
    """
    deadline = time.monotonic() + TOPICS_SECONDS
    while True:
        try:
            topic_ids(settings, input_topics(settings.topic_prefix))
        except TopicsError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
