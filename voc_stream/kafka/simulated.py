"""The simulated call centre as a Kafka producer: each message at its time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from threading import Event

    from voc_stream.settings import Settings

LINGER_MS = 20
BATCH_BYTES = 64 * 1024
MAXIMUM_REQUEST_BYTES = 12 * 1024 * 1024
"""Above the largest broken message, so that the broker decides."""
CONNECT_TIMEOUT_MS = 10_000
METADATA_TIMEOUT_MS = 30_000
FLUSH_SECONDS = 30


class TimedMessage(Protocol):
    """What is sent: a topic without prefix, a key, a value, and when."""

    @property
    def sent_at(self) -> datetime: ...  # noqa: D102  see the class
    @property
    def topic(self) -> str: ...  # noqa: D102  see the class
    @property
    def key(self) -> bytes: ...  # noqa: D102  see the class
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  see the class
    @property
    def kind(self) -> str: ...  # noqa: D102  see the class


class SimulationError(Exception):
    """Kafka did not take the messages; the text says what to do."""


def send_in_time(
    messages: Iterable[TimedMessage],
    send: Callable[[TimedMessage], None],
    stop: Event,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Mapping[str, int]:
    """Call `send` with each message once its `sent_at` has come, until `stop` is set; how many of each kind were sent.

    Each wait is until an absolute moment, so delays do not add up; what is overdue is sent at once.
    """
    counts: Counter[str] = Counter()
    for message in messages:
        while not stop.is_set() and (wait_seconds := (message.sent_at - now()).total_seconds()) > 0:
            stop.wait(wait_seconds)
        if stop.is_set():
            break
        send(message)
        counts[message.kind] += 1
    return counts


def send_simulated(messages: Iterable[TimedMessage], settings: Settings, stop: Event) -> Mapping[str, int]:
    """Send to the configured Kafka, each message at its time, until they end or `stop` is set; how many of each kind.

    Messages that were sent are acknowledged by all in-sync replicas when this returns. Raises SimulationError.
    """
    failures: list[Exception] = []
    try:
        producer = KafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap.split(","),
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            max_request_size=MAXIMUM_REQUEST_BYTES,
            bootstrap_timeout_ms=CONNECT_TIMEOUT_MS,
            max_block_ms=METADATA_TIMEOUT_MS,
            allow_auto_create_topics=False,
        )
    except KafkaError as error:
        raise SimulationError(f"no Kafka answers at {settings.kafka_bootstrap} ({error}); start it or set VOC_KAFKA_BOOTSTRAP") from error

    def send(message: TimedMessage) -> None:
        if failures:
            raise SimulationError(f"Kafka at {settings.kafka_bootstrap} refused messages: {failures[0]}")
        future: Any = producer.send(settings.topic_prefix + message.topic, value=message.value, key=message.key)
        future.add_errback(failures.append)

    try:
        counts = send_in_time(messages, send, stop)
        producer.flush(timeout=FLUSH_SECONDS)
    except KafkaError as error:
        hint = f"is it up, and were the topics {settings.topic_prefix}… created by `voc-stream init`?"
        raise SimulationError(f"Kafka at {settings.kafka_bootstrap} takes no messages ({error!r}): {hint}") from error
    finally:
        producer.close(timeout=FLUSH_SECONDS)
    if failures:
        raise SimulationError(f"Kafka at {settings.kafka_bootstrap} refused {len(failures)} messages, the first: {failures[0]}")
    return counts
