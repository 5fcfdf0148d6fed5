"""Declares what the worker needs of its store, and the values that pass between them.

`kafka` is written against these ports, and `postgres` fulfils them; `take_in.py` states the order
of a batch's steps. Tests may put something else in their place.

Delivery guarantee: one transaction holds what batches change, their refusals and the positions
after them. If PostgreSQL refuses the data of a message, there are several, one after the other.
Positions move by compare-and-swap. So every event counts once whatever is repeated, and a worker
that lost its partition changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from voc_stream.errors import VocError
from voc_stream.pipeline.refusal_limit import RefusalRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.events.refusal import Refusal
    from voc_stream.events.types import AnyInput


class Partition(NamedTuple):
    """A partition of an input topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


class Message(NamedTuple):
    """One record as Kafka gave it; an absent value is a tombstone."""

    offset: int
    value: bytes | None


class DecodedMessage(NamedTuple):
    """A message, and what it says: an event, or why it is none."""

    offset: int
    value: bytes | None
    content: AnyInput | Refusal


Decode: TypeAlias = "Callable[[Sequence[Message], datetime], Sequence[DecodedMessage]]"
"""Reads what messages say, as of a moment; for any thread, also while a batch is processed."""

FetchedMessage: TypeAlias = Message | DecodedMessage
"""What comes of a fetch.

It is a message, or a message that is refused already because it cannot even be unpacked.
"""


class StoredPosition(NamedTuple):
    """Where PostgreSQL stands in a partition, and in which log (Kafka's topic id).

    A topic that is made anew has another id.
    """

    topic_id: str
    next_offset: int


class Batch(NamedTuple):
    """Consecutive messages of one partition.

    Attributes:
        partition: where they are from.
        expected: the position in PostgreSQL that the caller believes in.
        messages: in the order of their offsets.
        end: a position up to which nothing more is to be read after them; 0 if that is not known.
    """

    partition: Partition
    expected: StoredPosition
    messages: Sequence[DecodedMessage]
    end: int = 0

    @property
    def next_offset(self) -> int:
        """The position after all of it."""
        return max(self.end, self.messages[-1].offset + 1) if self.messages else self.end

    def first(self, count: int) -> Batch:
        """Its first messages, 1 or more; all of the batch if it has no more."""
        return (
            self
            if count >= len(self.messages)
            else self._replace(messages=self.messages[:count], end=0)
        )

    def after(self, first: Batch) -> Batch:
        """What is left once its first messages, but not all of them, are committed."""
        expected = self.expected._replace(next_offset=first.next_offset)
        return self._replace(expected=expected, messages=self.messages[len(first.messages) :])


class BatchResult(NamedTuple):
    """What a committed batch did: counts of messages by outcome, and the position after it.

    Attributes:
        accepted: events that were new.
        duplicate: events that came before with the same content.
        rejected: messages that are no event.
        next_offset: the position after the batch.
        latest_event_time: when the latest of its events occurred; None if there is none.
        conflicting: events whose id came before with other content.
        retracted: events that a retraction had taken back before they came.
        refusals: what the partition has refused of late, this batch included.
    """

    accepted: int
    duplicate: int
    rejected: int
    next_offset: int
    latest_event_time: datetime | None
    conflicting: int = 0
    retracted: int = 0
    refusals: RefusalRecord = RefusalRecord()


class FencedError(Exception):
    """Another worker moved the positions of these partitions.

    Reload them, and drop what was to be applied to them.
    """

    def __init__(self, partitions: Collection[Partition]) -> None:
        self.partitions = partitions
        super().__init__(
            "the position is no longer the expected one: " + ", ".join(map(str, partitions))
        )


class RefusalLimitError(Exception):
    """A message would be refused, but its partition may refuse no more.

    Before that message the partition had `record`. Nothing was taken in.
    """

    def __init__(
        self, partition: Partition, offset: int, refusal: Refusal, record: RefusalRecord
    ) -> None:
        self.partition, self.offset, self.refusal, self.record = partition, offset, refusal, record
        super().__init__(
            f"{partition} offset {offset} would be refused ({refusal.reason}), and may not be: too"
            f" many were"
        )


class StoreUnavailableError(VocError):
    """The store cannot be reached or gave up on a lock, and the outcome is unknown.

    Reload the position and try again.
    """


class StoreGaveUpError(StoreUnavailableError):
    """The store gave up on the work at hand.

    It took too long or too much memory, or ended the server's process. Either the server is ill, or
    the work is too much for it; `BatchSink.probe` tells them apart.
    """


class OtherCatalogueError(StoreUnavailableError):
    """Another catalogue rules the store than the one that this worker was given.

    The message says which, and what to do.
    """


class Membership(NamedTuple):
    """A worker's place at its store.

    Attributes:
        installation: what tells this store from any other.
        problem: why this worker must wait, in words for an operator; None if it need not.
    """

    installation: str
    problem: str | None


OutboxKind = Literal["alert", "dead_letter"]


class DeadLetter(NamedTuple):
    """A refused message that still has to be sent to the dead-letter topic.

    `number` is its place in the outbox.
    """

    number: int
    dead_letter_id: int
    partition: Partition
    offset: int
    reason: str
    detail: str
    value: bytes


class AlertMessage(NamedTuple):
    """A message about the start or the end of an alert that still has to be sent."""

    number: int
    alert_id: str
    value: bytes


OutboxMessage = AlertMessage | DeadLetter


class GaugeSample(NamedTuple):
    """One sample of a gauge that is read from the tables.

    Label values in the order in which the metric declares them.
    """

    metric: str
    labels: tuple[str, ...]
    value: float


class BatchSink(Protocol):
    """What the consumer needs: positions, and batches made durable.

    Its calls block; all but `probe` are for one thread at a time.
    """

    def positions(self, partitions: Collection[Partition]) -> Mapping[Partition, StoredPosition]:
        """The stored positions of those partitions that have one. Raises StoreUnavailableError."""
        ...

    def start_at(
        self, partition: Partition, position: StoredPosition, replacing: StoredPosition | None
    ) -> None:
        """Put `position` in the place of the stored one, which is `replacing`.

        None if there is none yet. The partition is new, or its log is another. Raises FencedError
        if another position is stored, and StoreUnavailableError.
        """
        ...

    def refusals(self, partitions: Collection[Partition]) -> Mapping[Partition, RefusalRecord]:
        """How much the partitions have refused of late, for partitions that have a position.

        Raises StoreUnavailableError.
        """
        ...

    def process(
        self, batches: Sequence[Batch], now: datetime, seconds: float | None = None
    ) -> Sequence[BatchResult]:
        """Fold and save batches of different partitions together; their results in the same order.

        It gives up after `seconds`, and on locks in a part of that; None is the usual time.

        Raises FencedError, RefusalLimitError, StoreUnavailableError, StoreGaveUpError.
        """
        ...

    def probe(self) -> None:
        """Find out on a connection of its own whether the store is well.

        The store must answer soon, and make durable what is written. For any thread, also while a
        batch is processed. Raises StoreUnavailableError with the cause if the store is not well.
        """
        ...

    def twin(self) -> BatchSink:
        """Another sink on the same store.

        Two threads can then process batches of different partitions beside each other.
        """
        ...

    def close(self) -> None:
        """Give back what it holds of the store."""
        ...
