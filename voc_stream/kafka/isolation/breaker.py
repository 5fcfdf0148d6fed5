"""Stops a partition that refuses too much, and lets it go on when somebody has looked.

The limit is judged by what is stored, and by the messages as they are read now. So a restart stops
at the same message again. It goes on by itself if the cause of the refusal has changed, such as the
catalogue.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.events.refusal import Refusal
from voc_stream.pipeline.refusal_limit import RefusalRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from voc_stream.kafka.positions.ledger import Ledger
    from voc_stream.pipeline.ports import Batch, Partition, RefusalLimitError
    from voc_stream.pipeline.refusal_limit import RefusalLimit

TRIAL_SECONDS = 60.0
"""How often a message is judged anew that was refused for its time, because that passes."""
PASSES = frozenset({"time_in_future"})

log = logging.getLogger(__name__)


class _Stop(NamedTuple):
    """The message at which a partition stopped, and when."""

    token: object
    record: RefusalRecord
    reason: str
    since: float


class Breaker:
    """Holds the partitions that have reached the limit.

    Args:
        ledger: what is stored, and what is held.
        limit: how much a partition may refuse.
        go_on: reads the position of a partition and fetches on from there.
    """

    def __init__(
        self, ledger: Ledger, limit: RefusalLimit, go_on: Callable[[Partition], Awaitable[None]]
    ) -> None:
        self._ledger = ledger
        self._limit = limit
        self._go_on = go_on
        self._stopped: dict[Partition, _Stop] = {}

    def look_back(self, partitions: Collection[Partition]) -> None:
        """Doubt the partitions that had reached the limit when their positions were loaded.

        They are not held at once: their next message may be an event now, for example with another
        catalogue.
        """
        for partition in partitions:
            record = self._ledger.refusals.get(partition, RefusalRecord())
            if (reached := self._limit.reached(record)) is None:
                self._ledger.holds.end_doubt(partition)
            else:
                sentence = (
                    f"{partition} had stopped: {reached}; its next message shows whether it goes on"
                )
                self._ledger.holds.doubt(partition, sentence)

    def admitted(self, batch: Batch) -> Batch | None:
        """The part of a batch that may be taken.

        If that is not all of it, its partition is held from now on.
        """
        record = self._ledger.refusals.get(batch.partition, RefusalRecord())
        most = self._limit.admits(record, [message.content for message in batch.messages])
        if most == len(batch.messages):
            return batch
        admitted = batch.first(most) if most else None
        refused = batch.messages[most]
        if isinstance(refused.content, Refusal):  # always: an event is not what it stops at
            self._stop(
                batch.partition,
                refused.offset,
                refused.content,
                record.after([each.content for each in batch.messages[:most]]),
            )
        return admitted

    def stops_before(self, partition: Partition, offset: int, refusal: Refusal) -> bool:
        """Whether one more refusal is too much.

        If so, the partition is held from now on, before this message.
        """
        record = self._ledger.refusals.get(partition, RefusalRecord())
        if self._limit.admits(record, [refusal]):
            return False
        self._stop(partition, offset, refusal, record)
        return True

    def stop(self, error: RefusalLimitError) -> None:
        """Hold the partition from now on, before the message that the store may not refuse."""
        self._stop(error.partition, error.offset, error.refusal, error.record)

    def _stop(
        self, partition: Partition, offset: int, refusal: Refusal, record: RefusalRecord
    ) -> None:
        sentence = (
            f"{partition} has stopped at offset {offset}, which would be refused"
            f" ({refusal.reason}): {self._limit.reached(record)};"
            " look with `voc-stream dead-letters list`, then go on with `voc-stream dead-letters"
            " resume`"
        )
        log.error(
            "%s. Nothing is lost: its messages wait in Kafka, and other partitions go on", sentence
        )
        token = self._ledger.holds.hold(partition, "dead_letter_limit", sentence)
        self._stopped[partition] = _Stop(token, record, refusal.reason, time.monotonic())

    async def look_again(self) -> None:
        """Let partitions go on if an operator allows it, and try those whose time may have come.

        Raises StoreUnavailableError.
        """
        holds = self._ledger.holds
        self._stopped = {
            each: stop for each, stop in self._stopped.items() if holds.is_held(each, stop.token)
        }
        if not self._stopped:
            return
        records = await self._ledger.read_refusals(list(self._stopped))
        for partition, stop in list(self._stopped.items()):
            is_due = stop.reason in PASSES and time.monotonic() - stop.since >= TRIAL_SECONDS
            if not is_due and records.get(partition) == stop.record:
                continue
            await self._go_on(partition)
            if holds.is_held(partition, stop.token):
                log.info("%s goes on", partition)
                holds.release(partition)
