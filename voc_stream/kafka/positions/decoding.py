"""Decodes what was fetched, on a thread of its own, and loses nothing if that fails."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from voc_stream.events.refusal import Refusal
from voc_stream.kafka.positions.batches import FetchedBatch
from voc_stream.pipeline.ports import DecodedMessage, Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.ports import Decode, FetchedMessage, Partition

READING_ATTEMPTS = 3

log = logging.getLogger(__name__)


class Decoding:
    """Gives the decoder of `pipeline/take_in.py` what the consumer has gathered."""

    def __init__(self, decode: Decode, metrics: Metrics) -> None:
        self._decode = decode
        self._metrics = metrics
        # The thread is always the same: each one that decodes would keep memory of its own for it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voc-decoding")

    async def read(
        self, fetched: Sequence[FetchedBatch[FetchedMessage]], now: datetime
    ) -> Sequence[FetchedBatch[DecodedMessage]]:
        """Decode what was fetched, on another thread: the store may be at an earlier batch.

        Whatever a message holds, it is an event or it is refused. If our code fails nevertheless,
        each message is decoded alone, and one that fails again and again is refused.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._read, fetched, now
        )

    def _read(
        self, fetched: Sequence[FetchedBatch[FetchedMessage]], now: datetime
    ) -> Sequence[FetchedBatch[DecodedMessage]]:
        found = []
        for batch in fetched:
            readable = [message for message in batch.messages if isinstance(message, Message)]
            try:
                messages = self._decode(readable, now)
            except Exception:
                log.exception(
                    "what was fetched from %s could not be read; each message is read alone,"
                    " nothing is lost",
                    batch.partition,
                )
                self._metrics.batch_failures.labels(batch.partition.topic).inc()
                messages = [self._read_alone(batch.partition, message, now) for message in readable]
            if len(readable) < len(batch.messages):
                messages = self._with_unreadable(batch, messages)
            found.append(
                FetchedBatch(batch.partition, batch.start, batch.seek_number, messages, batch.end)
            )
        return found

    def _with_unreadable(
        self, batch: FetchedBatch[FetchedMessage], decoded: Sequence[DecodedMessage]
    ) -> Sequence[DecodedMessage]:
        """All messages of a batch in their order.

        They are those that were decoded, and those that nobody can unpack, which are refused
        already.
        """
        left, messages = iter(decoded), []
        for message in batch.messages:
            if isinstance(message, DecodedMessage):
                if isinstance(message.content, Refusal):
                    log.error(
                        "%s offset %d is set aside as a dead letter (%s): %s",
                        batch.partition,
                        message.offset,
                        *message.content,
                    )
                    self._metrics.unreadable(
                        batch.partition, message.offset, message.content.reason
                    )
                messages.append(message)
            else:
                messages.append(next(left))
        return messages

    def _read_alone(self, partition: Partition, message: Message, now: datetime) -> DecodedMessage:
        for attempt in range(1, READING_ATTEMPTS + 1):
            try:
                (decoded,) = self._decode([message], now)
            except Exception as error:
                if attempt == READING_ATTEMPTS:
                    log.exception(
                        "%s offset %d cannot be read; it is set aside as a dead letter",
                        partition,
                        message.offset,
                    )
                    self._metrics.set_aside(partition, message.offset)
                    detail = (
                        f"{len(message.value or b'')} bytes; reading it failed again and again:"
                        f" {type(error).__name__}"
                    )
                    return DecodedMessage(
                        message.offset, message.value, Refusal("processing_failed", detail)
                    )
            else:
                return decoded
        raise AssertionError("unreachable: the last attempt returns")

    def close(self) -> None:
        """Let the thread end after what it is doing now."""
        self._thread.shutdown(wait=False, cancel_futures=True)
