"""Labels batches in the consumer's thread, and decides what to do with each, without I/O.

A batch carries `start`, the position before it was fetched. Offsets inside may have gaps
(compaction, transaction markers). So only `start` can tell whether something is missing between two
batches.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.pipeline.ports import Batch, DecodedMessage, FetchedMessage, Message, Partition

AnyMessage = TypeVar("AnyMessage", "Message", "FetchedMessage", "DecodedMessage")


class FetchedBatch(NamedTuple, Generic[AnyMessage]):
    """Messages of one partition that were fetched together, or one after the other and joined.

    Attributes:
        partition: the partition of the messages.
        start: the position before the first message; None if it is not known (first fetch after an
            assignment).
        seek_number: how many times the partition had been repositioned when they were fetched.
        messages: what Kafka gave, later decoded, in the order of their offsets.
        end: a position up to which nothing more is to be read after them, such as markers of
            transactions; 0 if that is not known.
        holes: how many offsets held nothing to read between the fetches that were joined.
    """

    partition: Partition
    start: int | None
    seek_number: int
    messages: Sequence[AnyMessage]
    end: int = 0
    holes: int = 0

    @property
    def first_offset(self) -> int:
        """The offset of the first message; `end` if there is none."""
        return self.messages[0].offset if self.messages else self.end

    @property
    def next_offset(self) -> int:
        """The position after all of it."""
        return max(self.end, self.messages[-1].offset + 1) if self.messages else self.end

    @property
    def skipped_offsets(self) -> int:
        """How many offsets from the position on held nothing to read.

        Reasons are retention, compaction, aborted messages and transaction markers.
        """
        return self.holes + (0 if self.start is None else max(0, self.first_offset - self.start))


class HandedOn:
    """What goes to the agent at once. The agent takes it out.

    The reason: Faust keeps the last message that an agent is done with until the agent is done with
    the next one. So it would keep 10,000 decoded messages.

    Args:
        revocations: how often partitions had been revoked when it was handed on.
        batches: of any number of partitions.
    """

    def __init__(self, revocations: int, batches: Sequence[FetchedBatch[DecodedMessage]]) -> None:
        self.revocations = revocations
        self._batches = batches

    def take_out(self) -> Sequence[FetchedBatch[DecodedMessage]]:
        """All batches; nothing is left here."""
        batches, self._batches = self._batches, ()
        return batches


class Verdict(Enum):
    """What to do with a fetched batch."""

    APPLY = "apply"
    SKIP = "skip"
    """Nothing in the batch is new, or it was fetched before the last repositioning."""
    REWIND = "rewind"
    """Something before the batch is missing: fetch again from the stored position."""
    RELOAD = "reload"
    """The log went backwards under the consumer: look at the log and the stored position again."""


def judge(fetched: FetchedBatch[Any], expected_offset: int | None, seek_number: int) -> Verdict:
    """Decide about a batch, given the position in the store.

    No position means that the partition is not ours. `seek_number` is the partition's current one.
    """
    if expected_offset is None or fetched.seek_number != seek_number:
        return Verdict.SKIP
    if fetched.start is None:
        return Verdict.REWIND
    if fetched.first_offset < fetched.start:
        return Verdict.RELOAD
    if fetched.start > expected_offset:
        return Verdict.REWIND
    if fetched.next_offset <= expected_offset:
        return Verdict.SKIP
    return Verdict.APPLY


def joined(
    earlier: Sequence[FetchedBatch[AnyMessage]], later: Sequence[FetchedBatch[AnyMessage]]
) -> Sequence[FetchedBatch[AnyMessage]]:
    """Join two fetches: batches of a partition that follow each other become one."""
    found: list[FetchedBatch[AnyMessage]] = list(earlier)
    newest: dict[Partition, int] = {each.partition: place for place, each in enumerate(found)}
    for batch in later:
        known = newest.get(batch.partition)
        if known is not None and _goes_on(found[known], batch):
            found[known] = _as_one(found[known], batch)
        else:
            newest[batch.partition] = len(found)
            found.append(batch)
    return found


def _as_one(
    before: FetchedBatch[AnyMessage], batch: FetchedBatch[AnyMessage]
) -> FetchedBatch[AnyMessage]:
    messages: Sequence[Any] = [*before.messages, *batch.messages]
    # Offsets before the first message count as what lies between it and the start.
    holes = before.holes + (batch.skipped_offsets if before.messages else 0)
    return before._replace(messages=messages, end=max(before.end, batch.end), holes=holes)


def _goes_on(before: FetchedBatch[AnyMessage], batch: FetchedBatch[AnyMessage]) -> bool:
    """Whether the batch begins where the other ends; a log that went backwards does not."""
    return (
        batch.seek_number == before.seek_number
        and batch.start == before.next_offset
        and batch.first_offset >= batch.start
    )


def from_offset(messages: Sequence[AnyMessage], offset: int) -> Sequence[AnyMessage]:
    """The messages at and after an offset.

    That is what is left of a batch that overlaps an applied batch.
    """
    if not messages or messages[0].offset >= offset:
        return messages
    return [message for message in messages if message.offset >= offset]


def before_offset(batch: Batch, offset: int) -> Batch | None:
    """The messages of a batch before an offset; None if there are none."""
    count = sum(message.offset < offset for message in batch.messages)
    return batch.first(count) if count else None
