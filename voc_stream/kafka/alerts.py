"""Sends what the outbox holds about alerts to their topic, in the order in which they started and ended.

A message leaves the outbox when the topic has it. It is sent again, with the same key and bytes, only where that remained unknown: a worker
died, or Kafka or PostgreSQL went away, between the two.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voc_stream.kafka.upkeep_calls import UpkeepCalls

LIMIT = 100
SEND_TIMEOUT_SECONDS = 30.0


class AlertPublisher:
    """Publishes what is in the outbox, oldest first."""

    def __init__(self, app: Any, topic: str, upkeep: UpkeepCalls) -> None:
        self._app = app
        self._topic = topic
        self._upkeep = upkeep

    async def publish(self) -> None:
        """Send all there is. Raises KafkaError, TimeoutError, StoreUnavailableError; what was sent until then is not sent again."""
        while messages := await self._upkeep.claim_alert_messages(LIMIT):
            sent: list[int] = []
            try:
                async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                    for message in messages:
                        await self._app.producer.send_and_wait(
                            self._topic, key=message.alert_id.encode(), value=message.value, partition=None, timestamp=None, headers=None
                        )
                        sent.append(message.number)
            finally:
                await self._upkeep.give_back_alert_messages(sent)
