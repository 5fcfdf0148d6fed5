"""Sends what the outbox holds to its topics: messages about alerts and refused messages.

A message leaves the outbox when its topic has it. It is sent again, with the same bytes, only if it
remained unknown whether the topic has it. The table keeps each refused message whole, so a message
that the topic refuses as too large is only counted.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from voc_stream.kafka.topics import alert_topic, dead_letter_topic
from voc_stream.pipeline.ports import AlertMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.kafka.worker.chore_thread import ChoreThread
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.chores import ChoreStore
    from voc_stream.pipeline.ports import DeadLetter, OutboxKind, OutboxMessage

SEND_TIMEOUT_SECONDS = 30.0

log = logging.getLogger(__name__)


class _Way(NamedTuple):
    """How messages of a kind are sent.

    Attributes:
        topic: the topic that gets them.
        limit: how many are claimed at most.
        at_once: how many may be under way together; 1 if their order matters.
    """

    topic: str
    limit: int
    at_once: int


def headers_of(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers of the contract, as bytes in UTF-8."""
    return [
        ("reason", letter.reason.encode()),
        ("detail", letter.detail.encode(errors="replace")),
        ("source-topic", letter.partition.topic.encode()),
        ("source-partition", str(letter.partition.number).encode()),
        ("source-offset", str(letter.offset).encode()),
    ]


class OutboxPublisher:
    """Publishes what is in the outbox, oldest first."""

    def __init__(
        self, app: Any, topic_prefix: str, store: ChoreStore, thread: ChoreThread, metrics: Metrics
    ) -> None:
        self._app = app
        self._store = store
        self._thread = thread
        self._metrics = metrics
        self._ways: Mapping[OutboxKind, _Way] = {
            # The start of an alert comes before its end.
            "alert": _Way(alert_topic(topic_prefix), limit=100, at_once=1),
            "dead_letter": _Way(dead_letter_topic(topic_prefix), limit=500, at_once=500),
        }

    async def publish(self, kind: OutboxKind) -> None:
        """Send all messages of a kind.

        What was sent before an error is done with. Raises KafkaError, TimeoutError,
        StoreUnavailableError.
        """
        way = self._ways[kind]
        while messages := await self._thread.call(self._store.claim_messages, kind, way.limit):
            sent: list[int] = []
            try:
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    for first in range(0, len(messages), way.at_once):
                        together = messages[first : first + way.at_once]
                        outcomes = await asyncio.gather(
                            *(self._send(way.topic, each, sent) for each in together),
                            return_exceptions=True,
                        )
                        for outcome in outcomes:
                            if outcome is not None:
                                raise outcome
            finally:
                await self._thread.call(self._store.finish_messages, kind, sent, datetime.now(UTC))

    async def _send(self, topic: str, message: OutboxMessage, sent: list[int]) -> None:
        is_alert = isinstance(message, AlertMessage)
        outcome = "sent"
        try:
            await self._app.producer.send_and_wait(
                topic,
                key=message.alert_id.encode() if isinstance(message, AlertMessage) else None,
                value=message.value,
                partition=None,
                timestamp=None,
                headers=None if isinstance(message, AlertMessage) else headers_of(message),
            )
        except (MessageSizeTooLargeError, RecordListTooLargeError):
            outcome = "too_large"
            where = (
                f"alert {message.alert_id}"
                if isinstance(message, AlertMessage)
                else f"dead letter {message.dead_letter_id}"
            )
            log.exception(
                "%s (%d bytes) is too large for %s; PostgreSQL has it, whole",
                where,
                len(message.value),
                topic,
            )
        sent.append(message.number)
        if not is_alert:
            self._metrics.dead_letters_published.labels(outcome).inc()
