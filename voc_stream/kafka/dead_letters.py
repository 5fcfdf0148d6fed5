"""Sends refused messages from the outbox table to the dead-letter topic.

The table has each of them whole, so a message that the topic refuses (too large) is only counted. Sending again after a crash between
send and mark repeats a message; its headers say which one it is.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.kafka.upkeep_calls import UpkeepCalls
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.ports import DeadLetter

LIMIT = 500
SEND_TIMEOUT_SECONDS = 30.0

log = logging.getLogger(__name__)


def headers_of(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers of the contract, as bytes in UTF-8."""
    return [
        ("reason", letter.reason.encode()),
        ("detail", letter.detail.encode(errors="replace")),
        ("source-topic", letter.partition.topic.encode()),
        ("source-partition", str(letter.partition.number).encode()),
        ("source-offset", str(letter.offset).encode()),
    ]


class DeadLetterPublisher:
    """Publishes what is in the outbox, oldest first."""

    def __init__(self, app: Any, topic: str, upkeep: UpkeepCalls, metrics: Metrics) -> None:
        self._app = app
        self._topic = topic
        self._upkeep = upkeep
        self._metrics = metrics

    async def publish(self) -> None:
        """Send all there is. Raises KafkaError, TimeoutError, StoreUnavailableError; what was sent until then is marked."""
        while letters := await self._upkeep.unpublished_dead_letters(LIMIT):
            outcomes = await asyncio.gather(*(self._send(letter) for letter in letters), return_exceptions=True)
            done = [letter.dead_letter_id for letter, outcome in zip(letters, outcomes, strict=True) if outcome is None]
            if done:
                await self._upkeep.mark_published(done, datetime.now(UTC))
            self._raise_first(outcomes)

    async def _send(self, letter: DeadLetter) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._app.producer.send_and_wait(
                    self._topic, key=None, value=letter.payload, partition=None, timestamp=None, headers=headers_of(letter)
                )
        except (MessageSizeTooLargeError, RecordListTooLargeError):
            log.exception("dead letter %d (%d bytes) is too large for %s; it is in voc.dead_letter, whole",
                          letter.dead_letter_id, len(letter.payload), self._topic)  # fmt: skip
            self._metrics.dead_letters_published.labels("too_large").inc()
        else:
            self._metrics.dead_letters_published.labels("sent").inc()

    @staticmethod
    def _raise_first(outcomes: Sequence[BaseException | None]) -> None:
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
