from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from fakes import MemoryChores
from prometheus_client import CollectorRegistry

from voc_stream.kafka.worker.chore_thread import ChoreThread
from voc_stream.kafka.worker.outbox import OutboxPublisher
from voc_stream.monitoring.metrics import Metrics
from voc_stream.pipeline.ports import AlertMessage, DeadLetter, Partition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.pipeline.ports import OutboxKind


class Producer:
    """Takes messages, and refuses some as a broker would."""

    def __init__(self, refused: Mapping[bytes, Exception]) -> None:
        self.sent: list[tuple[str, bytes | None, bytes]] = []
        self._refused = refused

    @property
    def producer(self) -> Producer:
        """It is its own app."""
        return self

    async def send_and_wait(self, topic: str, **message: Any) -> None:
        """Like Faust's."""
        if message["value"] in self._refused:
            raise self._refused[message["value"]]
        self.sent.append((topic, message["key"], message["value"]))


def publish(
    chores: MemoryChores, kind: OutboxKind, refused: Mapping[bytes, Exception]
) -> tuple[Producer, Metrics]:
    producer, metrics, calls = Producer(refused), Metrics(CollectorRegistry()), ChoreThread()
    try:
        asyncio.run(OutboxPublisher(producer, "voc.", chores, calls, metrics).publish(kind))
    finally:
        calls.close()
    return producer, metrics


def letters(*values: bytes) -> MemoryChores:
    return MemoryChores(
        outbox=[
            DeadLetter(place, place, Partition("t", 0), place, "r", "d", value)
            for place, value in enumerate(values)
        ]
    )


def alerts(count: int) -> MemoryChores:
    return MemoryChores(
        outbox=[AlertMessage(number, f"a-{number}", b"%d" % number) for number in range(count)]
    )


def test_all_letters_are_sent_and_done_with() -> None:
    """The outbox is empty afterwards, however much was in it."""
    chores = letters(*(b"%d" % number for number in range(1200)))
    producer, metrics = publish(chores, "dead_letter", {})
    assert sorted(producer.sent) == sorted(
        ("voc.dead-letters", None, b"%d" % number) for number in range(1200)
    )
    assert len(chores.published) == 1200
    assert (
        metrics.registry.get_sample_value("voc_dead_letters_published_total", {"outcome": "sent"})
        == 1200
    )


def test_one_too_large_for_the_topic_is_counted_and_done_with() -> None:
    """The table has it whole; sending it again and again would hold up the others."""
    chores = letters(b"a", b"large", b"b")
    producer, metrics = publish(chores, "dead_letter", {b"large": MessageSizeTooLargeError()})
    assert [value for _, _, value in producer.sent] == [b"a", b"b"]
    assert chores.outbox == []
    assert (
        metrics.registry.get_sample_value(
            "voc_dead_letters_published_total", {"outcome": "too_large"}
        )
        == 1
    )


def test_a_letter_that_could_not_be_sent_stays_in_the_outbox() -> None:
    """Another failure is worth another try; what was sent is not sent again."""
    chores = letters(b"a", b"lost", b"b")
    with pytest.raises(KafkaConnectionError):
        publish(chores, "dead_letter", {b"lost": KafkaConnectionError()})
    assert set(chores.published) == {0, 2}
    assert chores.claimed == set()


def test_alerts_are_sent_once_in_order_under_their_key() -> None:
    """The start of an alert comes before its end, however much is in the outbox."""
    chores = alerts(201)
    producer, _ = publish(chores, "alert", {})
    assert producer.sent == [
        ("voc.alerts", b"a-%d" % number, b"%d" % number) for number in range(201)
    ]
    assert chores.outbox == []


def test_no_alert_overtakes_one_that_could_not_be_sent() -> None:
    """What was sent before the broker went away is not sent again; the rest stays in the outbox."""
    chores = alerts(5)
    with pytest.raises(KafkaConnectionError):
        publish(chores, "alert", {b"2": KafkaConnectionError()})
    assert [message.number for message in chores.outbox] == [2, 3, 4]
