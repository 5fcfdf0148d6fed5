from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from kafka import KafkaConsumer

from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.timed_sender import send_simulated
from voc_stream.kafka.topics import ensure_topics, input_topics
from voc_stream.settings import Settings
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import Noise, SimulationOptions


@pytest.fixture
def voc(broker: str, topic_prefix: str) -> Settings:
    """Settings of topics of this test alone."""
    return Settings(kafka_bootstrap=broker, topic_prefix=topic_prefix, partitions=2)


def _history() -> SimulationOptions:
    noise = Noise(duplicate_share=0.1, broken_share=0.1)
    return SimulationOptions(
        start=datetime.now(UTC) - timedelta(days=1),
        duration_seconds=0,
        history_events=1000,
        noise=noise,
    )


def _received(voc: Settings) -> list[tuple[str, bytes, bytes]]:
    consumer = KafkaConsumer(
        bootstrap_servers=voc.kafka_bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=1000,
    )
    consumer.subscribe(input_topics(voc.topic_prefix))
    try:
        return sorted((record.topic, record.key, record.value) for record in consumer)
    finally:
        consumer.close()


def test_everything_arrives_as_it_was_made(voc: Settings) -> None:
    """Each message reaches its topic with its key and bytes, and is counted by kind.

    Repeated and broken ones included.
    """
    ensure_topics(voc)
    messages = list(simulate(_history()))
    counts = send_simulated(messages, voc, threading.Event())
    assert sum(counts.values()) == len(messages)
    assert counts["duplicate"] == sum(message.kind == "duplicate" for message in messages)
    assert _received(voc) == sorted(
        (voc.topic_prefix + message.topic, message.key, message.value or b"")
        for message in messages
    )


def test_missing_topics_are_named(voc: Settings) -> None:
    """Without topics nothing is sent, and the error says what to run."""
    with pytest.raises(TopicsError, match="voc-stream init"):
        send_simulated(simulate(_history()), voc, threading.Event())
