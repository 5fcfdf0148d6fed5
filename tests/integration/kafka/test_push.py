from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from voc_stream.embedded.broker import Broker
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.events.topics import INPUTS, TOPIC_OF_TYPE
from voc_stream.events.types import INPUT_TYPES
from voc_stream.kafka.connection.ask import TopicsError
from voc_stream.kafka.log_reader import read_log_ends
from voc_stream.kafka.push import Pusher, PushError, Record
from voc_stream.kafka.push_producer import MAXIMUM_OPEN_BYTES
from voc_stream.kafka.topics import ensure_topics
from voc_stream.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Outcome:
    """What a pusher reported."""

    def __init__(self) -> None:
        self.delivered = 0
        self.failures: list[tuple[int, str]] = []

    def pusher(self, settings: Settings, timeout_seconds: float = 30.0) -> Pusher[int]:
        """A pusher that reports here."""
        return Pusher(
            settings,
            timeout_seconds,
            self._deliver,
            lambda record, why: self.failures.append((record.origin, why)),
        )

    def _deliver(self) -> None:
        self.delivered += 1


def numbered(prefix: str, numbers: range) -> Iterator[Record[int]]:
    for number in numbers:
        yield Record(
            f"{prefix}callbacks", b"customer-%d" % (number % 7), b'{"number": %d}' % number, number
        )


def values_of(settings: Settings, topic: str) -> list[tuple[bytes, bytes]]:
    """Everything in the topic."""
    ends = {
        TopicPartition(*partition): end
        for partition, end in read_log_ends(settings).items()
        if partition.topic == topic
    }
    consumer: Any = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        auto_offset_reset="earliest",
        metrics_enabled=False,
    )
    try:
        consumer.assign(list(ends))
        found: list[tuple[bytes, bytes]] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                found += [(record.key, record.value) for record in records]
        return found
    finally:
        consumer.close()


# kafka-python leaves the sockets of refused connections to the garbage collector.
LEAKED_SOCKETS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def collected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Collects what the client leaked within the test that may leak.

    Captured log records would keep it alive for longer.
    """
    with caplog.at_level(logging.CRITICAL + 1, "kafka"):
        yield
    gc.collect()


@pytest.fixture
def own_settings(broker: str, topic_prefix: str) -> Settings:
    return Settings(kafka_bootstrap=broker, topic_prefix=topic_prefix, partitions=2)


def test_every_type_has_its_topic() -> None:
    """Each event type goes to an input topic, which is made and read."""
    assert TOPIC_OF_TYPE.keys() == INPUT_TYPES.keys()
    assert set(TOPIC_OF_TYPE.values()) == set(INPUTS)


def test_records_arrive_unchanged_under_their_key(own_settings: Settings) -> None:
    """Bytes and keys arrive as they were given, each once, and each is counted."""
    ensure_topics(own_settings)
    outcome = Outcome()
    with outcome.pusher(own_settings) as pusher:
        assert pusher.push(numbered(own_settings.topic_prefix, range(3000))) == 3000
    found = values_of(own_settings, f"{own_settings.topic_prefix}callbacks")
    assert sorted(found) == sorted(
        (record.key, record.value) for record in numbered(own_settings.topic_prefix, range(3000))
    )
    assert (outcome.delivered, outcome.failures) == (3000, [])


def test_record_that_kafka_cannot_take_is_reported_and_the_rest_go(own_settings: Settings) -> None:
    """A failure that is the record's own is told with its origin and costs only that record."""
    ensure_topics(own_settings)
    outcome = Outcome()
    topic = f"{own_settings.topic_prefix}callbacks"
    too_large = b"x" * (MAXIMUM_OPEN_BYTES + 1)
    with outcome.pusher(own_settings) as pusher:
        pusher.push(
            [
                Record(topic, b"a", b"small", 1),
                Record(topic, b"a", too_large, 2),
                Record(topic, b"a", b"small too", 3),
            ]
        )
    assert [origin for origin, _ in outcome.failures] == [2]
    assert [value for _, value in values_of(own_settings, topic)] == [b"small", b"small too"]


def test_what_was_sent_before_a_stop_is_counted(own_settings: Settings) -> None:
    """Ctrl-C loses the count of nothing that Kafka has."""
    ensure_topics(own_settings)
    outcome = Outcome()

    def stopped() -> Iterator[Record[int]]:
        yield from numbered(own_settings.topic_prefix, range(50))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), outcome.pusher(own_settings) as pusher:
        pusher.push(stopped())
    assert (
        outcome.delivered
        == len(values_of(own_settings, f"{own_settings.topic_prefix}callbacks"))
        > 0
    )


def test_missing_topics_are_named_before_anything_is_sent(own_settings: Settings) -> None:
    """Without topics it says what to run.

    It neither waits for them nor makes them with a wrong number of partitions.
    """
    with pytest.raises(TopicsError, match="voc-stream init"):
        Outcome().pusher(own_settings)


@LEAKED_SOCKETS
@pytest.mark.usefixtures("collected")
def test_no_broker_is_a_clear_error() -> None:
    """If nobody listens, the address and the setting are named within the connection timeout."""
    port = free_port()
    with pytest.raises(PushError, match=f"127.0.0.1:{port}.*VOC_KAFKA_BOOTSTRAP"):
        Outcome().pusher(Settings(kafka_bootstrap=f"127.0.0.1:{port}"), timeout_seconds=1)


@LEAKED_SOCKETS
@pytest.mark.usefixtures("collected")
@pytest.mark.broker
def test_nothing_is_lost_when_the_broker_restarts_and_has_forgotten_all(tmp_path: Path) -> None:
    """A restart in the middle costs no record, even of a broker that comes back empty.

    What was open is sent again.
    """
    broker = Broker(tmp_path, free_port())
    settings = Settings(kafka_bootstrap=broker.bootstrap, partitions=2)
    outcome = Outcome()
    brokers = [broker]

    def records() -> Iterator[Record[int]]:
        yield from numbered(settings.topic_prefix, range(20_000))
        broker.child.stop(0.0)  # at once, without a farewell to its clients
        # These wait in the producer while nobody listens.
        yield from numbered(settings.topic_prefix, range(20_000, 25_000))
        brokers.append(Broker(tmp_path, broker.port))
        ensure_topics(settings)
        yield from numbered(settings.topic_prefix, range(25_000, 40_000))

    try:
        ensure_topics(settings)
        with outcome.pusher(settings) as pusher:
            assert pusher.push(records()) == 40_000
        kept = {value for _, value in values_of(settings, "voc.callbacks")}
    finally:
        for each in brokers:
            each.stop()
    assert (outcome.delivered, outcome.failures) == (40_000, [])
    assert {
        record.value for record in numbered(settings.topic_prefix, range(20_000, 40_000))
    } <= kept


@LEAKED_SOCKETS
@pytest.mark.usefixtures("collected")
@pytest.mark.broker
def test_broker_that_stays_away_ends_the_push_and_names_what_is_open(tmp_path: Path) -> None:
    """After the timeout it gives up, and says how many were delivered.

    It reports each open record with its origin.
    """
    broker = Broker(tmp_path, free_port())
    settings = Settings(kafka_bootstrap=broker.bootstrap, partitions=2)
    outcome = Outcome()

    def records() -> Iterator[Record[int]]:
        yield from numbered(settings.topic_prefix, range(100))
        broker.child.stop(0.0)
        yield from numbered(settings.topic_prefix, range(100, 150))

    try:
        ensure_topics(settings)
        with (
            outcome.pusher(settings, timeout_seconds=2) as pusher,
            pytest.raises(PushError, match="events were delivered"),
        ):
            pusher.push(records())
    finally:
        broker.stop()
    assert outcome.delivered + len(outcome.failures) == 150
    assert {number for number, _ in outcome.failures} >= set(range(100, 150))
