from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from fakes import MemoryUpkeep

from voc_stream.kafka.alerts import LIMIT, AlertPublisher
from voc_stream.kafka.upkeep_calls import UpkeepCalls
from voc_stream.ports import AlertMessage


class Producer:
    """Takes messages until the broker goes away after so many."""

    def __init__(self, goes_away_after: int | None = None) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        self._goes_away_after = goes_away_after

    @property
    def producer(self) -> Producer:
        """It is its own app."""
        return self

    async def send_and_wait(self, topic: str, **message: Any) -> None:
        """Like Faust's."""
        assert topic == "voc.alerts"
        if len(self.sent) == self._goes_away_after:
            raise KafkaConnectionError("gone")
        self.sent.append((message["key"], message["value"]))


def publish(upkeep: MemoryUpkeep, producer: Producer) -> None:
    calls = UpkeepCalls(upkeep)
    try:
        asyncio.run(AlertPublisher(producer, "voc.alerts", calls).publish())
    finally:
        calls.close()


def outbox(count: int) -> MemoryUpkeep:
    return MemoryUpkeep(alert_messages=[AlertMessage(number, f"a-{number}", b"%d" % number) for number in range(count)])


def test_all_are_sent_once_in_order_under_the_key_of_their_alert() -> None:
    """The start of an alert comes before its end, however much is in the outbox."""
    upkeep, producer = outbox(2 * LIMIT + 1), Producer()
    publish(upkeep, producer)
    assert producer.sent == [(b"a-%d" % number, b"%d" % number) for number in range(2 * LIMIT + 1)]
    assert upkeep.alert_messages == []


def test_what_was_sent_before_the_broker_went_away_is_not_sent_again() -> None:
    """The rest stays in the outbox."""
    upkeep = outbox(5)
    with pytest.raises(KafkaConnectionError):
        publish(upkeep, Producer(goes_away_after=2))
    assert [message.number for message in upkeep.alert_messages] == [2, 3, 4]
