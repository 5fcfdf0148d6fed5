from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from fakes import MemoryUpkeep
from prometheus_client import CollectorRegistry

from voc_stream.kafka.dead_letters import DeadLetterPublisher
from voc_stream.kafka.upkeep_calls import UpkeepCalls
from voc_stream.monitoring.metrics import Metrics
from voc_stream.ports import DeadLetter, Partition


class Producer:
    """Takes messages, and refuses some payloads as a broker would."""

    def __init__(self, refused: dict[bytes, Exception]) -> None:
        self.sent: list[bytes] = []
        self._refused = refused

    @property
    def producer(self) -> Producer:
        """It is its own app."""
        return self

    async def send_and_wait(self, topic: str, **message: Any) -> None:
        """Like Faust's."""
        assert topic == "voc.dead-letters"
        if message["value"] in self._refused:
            raise self._refused[message["value"]]
        self.sent.append(message["value"])


def publish(upkeep: MemoryUpkeep, refused: dict[bytes, Exception]) -> tuple[Producer, Metrics]:
    producer, metrics, calls = Producer(refused), Metrics(CollectorRegistry()), UpkeepCalls(upkeep)
    try:
        asyncio.run(DeadLetterPublisher(producer, "voc.dead-letters", calls, metrics).publish())
    finally:
        calls.close()
    return producer, metrics


def letters(*payloads: bytes) -> MemoryUpkeep:
    made = {number: DeadLetter(number, Partition("voc.callbacks", 0), number, "r", "d", payload) for number, payload in enumerate(payloads)}
    return MemoryUpkeep(letters=made)


def test_all_are_sent_and_marked() -> None:
    """The outbox is empty afterwards, however much was in it."""
    upkeep = letters(*(str(number).encode() for number in range(1200)))
    producer, metrics = publish(upkeep, {})
    assert len(producer.sent) == len(upkeep.published) == 1200
    assert metrics.registry.get_sample_value("voc_dead_letters_published_total", {"outcome": "sent"}) == 1200


def test_one_too_large_for_the_topic_is_counted_and_marked() -> None:
    """The table has it whole; sending it again and again would hold up the others."""
    upkeep = letters(b"a", b"large", b"b")
    producer, metrics = publish(upkeep, {b"large": MessageSizeTooLargeError()})
    assert producer.sent == [b"a", b"b"]
    assert set(upkeep.published) == {0, 1, 2}
    assert metrics.registry.get_sample_value("voc_dead_letters_published_total", {"outcome": "too_large"}) == 1


def test_one_that_could_not_be_sent_stays_in_the_outbox() -> None:
    """Another failure is worth another try; what was sent is not sent again."""
    upkeep = letters(b"a", b"lost", b"b")
    with pytest.raises(KafkaConnectionError):
        publish(upkeep, {b"lost": KafkaConnectionError()})
    assert set(upkeep.published) == {0, 2}
