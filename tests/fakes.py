"""In-memory stores that keep the promises of voc_stream.pipeline.ports.

They are for tests of what stands before PostgreSQL.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from voc_stream.events.refusal import Refusal
from voc_stream.pipeline.chores import Chore
from voc_stream.pipeline.clocks import ClockReading
from voc_stream.pipeline.ports import (
    AlertMessage,
    BatchResult,
    DecodedMessage,
    FencedError,
    Membership,
    StoreUnavailableError,
)
from voc_stream.pipeline.refusal_limit import RefusalRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from voc_stream.pipeline.chores import Circumstances, ShowChores
    from voc_stream.pipeline.ports import (
        Batch,
        GaugeSample,
        Message,
        OutboxKind,
        OutboxMessage,
        Partition,
        StoredPosition,
    )

NOT_READ = Refusal("storage", "a store in memory does not read it")


def event_id_of(message: DecodedMessage) -> str:
    """The `event_id` of a JSON message. Raises ValueError, KeyError, TypeError."""
    return str(json.loads(message.value or b"")["event_id"])


@dataclass
class MemorySink:
    """A BatchSink: compare-and-swap of the position, and each event id counts once.

    Shared by all workers of a test, like a database.

    Attributes:
        stored: the positions.
        accepted: event ids in the order in which they were taken in, by partition.
        rejected: offsets that were no events, by partition.
        before_commit: called inside `process`, before anything is written; may raise.
        after_commit: called inside `process`, after all is written; may raise, as a COMMIT whose
            answer is lost.
        read_id: tells the id of a message.
    """

    stored: dict[Partition, StoredPosition] = field(default_factory=dict)
    accepted: dict[Partition, list[str]] = field(default_factory=dict)
    rejected: dict[Partition, list[int]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    batches: list[Batch] = field(default_factory=list)
    records: dict[Partition, RefusalRecord] = field(default_factory=dict)
    available: bool = True
    before_commit: Callable[[Batch], None] = lambda _: None
    after_commit: Callable[[Batch], None] = lambda _: None
    read_id: Callable[[DecodedMessage], str] = event_id_of
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have one."""
        self._answer()
        with self._lock:
            return {
                partition: self.stored[partition]
                for partition in partitions
                if partition in self.stored
            }

    def start_at(
        self, partition: Partition, position: StoredPosition, replacing: StoredPosition | None
    ) -> None:
        """Put `position` in the place of the stored one."""
        self._answer()
        with self._lock:
            if self.stored.get(partition) != replacing:
                raise FencedError([partition])
            self.stored[partition] = position

    def decode(self, messages: Sequence[Message], now: datetime) -> Sequence[DecodedMessage]:  # noqa: ARG002  the port's signature
        """Leave it to `read_id`."""
        return [DecodedMessage(*message, NOT_READ) for message in messages]

    def process(
        self,
        batches: Sequence[Batch],
        now: datetime,  # noqa: ARG002  the port's signature
        seconds: float | None = None,  # noqa: ARG002  the port's signature
    ) -> Sequence[BatchResult]:
        """Take in batches, all or nothing."""
        self._answer()
        for batch in batches:
            self.before_commit(batch)
        with self._lock:
            fenced = [batch.partition for batch in batches if not self._continues(batch)]
            if fenced:
                raise FencedError(fenced)
            results = [self._apply(batch) for batch in batches]
        for batch in batches:
            self.after_commit(batch)
        return results

    def refusals(self, partitions: Collection[Partition]) -> Mapping[Partition, RefusalRecord]:
        """What `read_id` could not read is remembered as PostgreSQL does."""
        self._answer()
        return {
            partition: self.records[partition]
            for partition in partitions
            if partition in self.records
        }

    def probe(self) -> None:
        """Well, unless it was switched off."""
        self._answer()

    def twin(self) -> MemorySink:
        """Itself: it is for any thread."""
        return self

    def close(self) -> None:
        """Nothing to give back."""

    def _continues(self, batch: Batch) -> bool:
        position = self.stored.get(batch.partition)
        return position == batch.expected

    def _apply(self, batch: Batch) -> BatchResult:
        position = self.stored[batch.partition]
        accepted, rejected, duplicate = [], [], 0
        for message in batch.messages:
            try:
                event_id = self.read_id(message)
            except (ValueError, KeyError, TypeError):
                rejected.append(message.offset)
                continue
            duplicate += event_id in self.seen
            if event_id not in self.seen:
                self.seen.add(event_id)
                accepted.append(event_id)
        self.accepted.setdefault(batch.partition, []).extend(accepted)
        self.rejected.setdefault(batch.partition, []).extend(rejected)
        self.stored[batch.partition] = position._replace(next_offset=batch.next_offset)
        contents: list[Any] = [
            None if message.content == NOT_READ else message.content for message in batch.messages
        ]
        record = self.records[batch.partition] = self.records.get(
            batch.partition, RefusalRecord()
        ).after(contents)
        self.batches.append(batch)
        return BatchResult(
            len(accepted), duplicate, len(rejected), batch.next_offset, None, refusals=record
        )

    def _answer(self) -> None:
        if not self.available:
            raise StoreUnavailableError("the test switched it off")

    @property
    def count(self) -> int:
        """Distinct events taken in so far."""
        return len(self.seen)


@dataclass
class MemoryChores:
    """Chores that keep an outbox, and answer with fixed gauges."""

    published: dict[int, datetime] = field(default_factory=dict)
    fixed_gauges: list[GaugeSample] = field(default_factory=list)
    refreshed: list[datetime] = field(default_factory=list)
    assessed: list[datetime] = field(default_factory=list)
    evaluated: list[datetime] = field(default_factory=list)
    outbox: list[OutboxMessage] = field(default_factory=list)
    deleted_before: list[datetime] = field(default_factory=list)
    claimed: set[int] = field(default_factory=set)

    def join(self) -> Membership:
        """There is one installation."""
        return Membership("memory", None)

    def read_clocks(self) -> ClockReading:
        """All clocks agree."""
        now = datetime.now(UTC)
        return ClockReading(now, now, time.monotonic(), timedelta(0))

    def chores(
        self,
        show: ShowChores,
        evaluate_every: timedelta,
        keep_letters: timedelta | None,
    ) -> Sequence[Chore[object]]:
        """Some that note that they were called, and one that shows the fixed gauges."""

        def noting(moments: list[datetime]) -> Callable[[Circumstances], None]:
            return lambda at: moments.append(at.now)

        def delete(at: Circumstances) -> None:
            if keep_letters is not None:
                self.deleted_before.append(at.now - keep_letters)

        return [
            Chore("settle_sites", 2.0, noting(self.refreshed)),
            Chore("assess_churn", 2.0, noting(self.assessed)),
            Chore("evaluate", evaluate_every.total_seconds(), noting(self.evaluated)),
            Chore("dead_letter_retention", 60.0, delete),
            Chore("readings", 10.0, lambda _: show.publish(self.fixed_gauges)),
        ]

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """The oldest that nobody took."""
        found = [message for message in self._of(kind) if message.number not in self.claimed][
            :limit
        ]
        self.claimed.update(message.number for message in found)
        return found

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """Remove those that were sent."""
        for message in self._of(kind):
            if message.number in set(sent):
                self.outbox.remove(message)
                self.published[message.number] = now
            self.claimed.discard(message.number)

    def _of(self, kind: OutboxKind) -> Sequence[OutboxMessage]:
        return [
            message
            for message in self.outbox
            if isinstance(message, AlertMessage) == (kind == "alert")
        ]
