"""Reads messages from the bytes that Kafka gave for one partition, whatever these bytes are.

Its classes take the places of aiokafka's PartitionRecords and FetchResult. A batch that cannot be
read becomes one message that is refused already. That message has the last offset of the batch, so
the position after it is the position after the batch.

Messages are read a portion at a time. aiokafka asks one partition after the other. It goes on to
the next only if nothing is left of the one before, or if enough has been taken. So one batch at a
time is unpacked, whatever the number of partitions.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch

from voc_stream.events.refusal import Refusal
from voc_stream.kafka.records.record_batches import (
    MAGIC,
    Frames,
    contents,
    read_carefully,
    read_quickly,
    record_count,
)
from voc_stream.kafka.records.unpacking import MAXIMUM_UNPACKED_BYTES, DamagedError, TooLargeError
from voc_stream.pipeline.ports import DecodedMessage, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voc_stream.kafka.records.record_batches import Frame
    from voc_stream.pipeline.ports import FetchedMessage

# About this much is handed on at once; the same again is gathered meanwhile. As many usual events
# as `maximum_batch_messages` are half of it.
HANDED_ON_BYTES = 8 * 1024 * 1024
# The reader in C makes objects of keys and headers, up to 40 bytes for each byte.
QUICKLY_READ_BYTES = 1024 * 1024
# The largest batch that a usual broker takes. A larger one stays in the log only, until the log
# forgets it.
KEPT_BATCH_BYTES = 1024 * 1024 + 1024

log = logging.getLogger(__name__)


class _UnsureError(DamagedError):
    """The batch may have been damaged on the way only."""


class _FetchAgainError(Exception):
    """What is left of this fetch must not be read."""


class PartitionMessages(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka ships no types
    """What was fetched of one partition; `messages` gives it once, in the order of the offsets.

    Attributes:
        log_end: where the log ended at the fetch; None if that is not known.
        spent: bytes that were unpacked for nothing, since it was set to 0.
    """

    next_fetch_offset: int
    log_end: int | None = None
    spent = 0
    _damaged_at: ClassVar[dict[Any, int]] = {}

    @property
    def messages(self) -> Iterator[FetchedMessage]:
        """The messages that are left."""
        messages: Iterator[FetchedMessage] = self._records_iterator
        return messages

    def _unpack_records(self) -> Iterator[FetchedMessage]:
        frames: Frames = self._records
        try:
            while (frame := frames.next_frame()) is not None:
                yield from self._messages_of(frame)
        except _FetchAgainError:
            return

    def _messages_of(self, frame: Frame) -> Iterator[FetchedMessage]:
        try:
            batch = self._opened(frame)
            if not self._holds_no_events(batch):
                yield from self._read(frame, batch)
            self.next_fetch_offset = max(self.next_fetch_offset, batch.next_offset)
        except (DamagedError, TooLargeError) as error:
            if (refused := self._refused(frame, error)) is not None:
                yield refused

    def _read(self, frame: Frame, batch: Any) -> Iterator[FetchedMessage]:
        """The messages from the position on.

        Raises DamagedError or TooLargeError if the rest cannot be read.
        """
        first = expected = self.next_fetch_offset
        codec, last = batch.compression_type, batch.next_offset - 1
        data = contents(frame, codec)
        if len(data) <= QUICKLY_READ_BYTES:
            try:
                for record in read_quickly(frame, data) if codec else batch:
                    offset = record.offset
                    if expected <= offset <= last:
                        self.next_fetch_offset = expected = offset + 1
                        yield Message(offset, record.value)
                    elif not frame.base_offset <= offset < first:
                        break
                else:
                    return
            except Exception as error:  # noqa: BLE001  it raises many; perhaps only a header is not as it must be
                log.debug("%s at offset %d: %r", self._tp, expected, error)
        for message in read_carefully(frame.base_offset, last, record_count(frame), data):
            if message.offset >= expected:
                self.next_fetch_offset = message.offset + 1
                yield message

    def _opened(self, frame: Frame) -> Any:
        """The batch, once its borders and its checksum are right.

        Raises DamagedError, TooLargeError.
        """
        if frame.is_damaged:
            raise _UnsureError(f"it says that it has {frame.size} bytes, which no batch has")
        if frame.is_incomplete:
            raise TooLargeError(
                f"it has {frame.size} bytes, of which Kafka gives only the first {len(frame.data)}"
            )
        if frame.magic != MAGIC:
            raise DamagedError(
                f"its format has the number {frame.magic}; only {MAGIC} can be read, which Kafka"
                f" has written since version 0.11"
            )
        batch = DefaultRecordBatch(frame.data)
        if self._check_crcs and not batch.validate_crc():
            raise _UnsureError("its checksum is wrong")
        return batch

    def _holds_no_events(self, batch: Any) -> bool:
        """Whether it is the marker of a transaction, or was written in one that was given up."""
        if self._aborted_transactions:
            self._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch:
            self._aborted_producers.discard(
                batch.producer_id
            )  # whichever marker it is, its transaction has ended
            return True
        return batch.is_transactional and batch.producer_id in self._aborted_producers

    def _refused(self, frame: Frame, error: Exception) -> DecodedMessage | None:
        """The message that stands for the batch, or for what is left of it.

        The position goes on after it. None if all of the batch has been read.
        """
        first, last = self.next_fetch_offset, frame.claimed_last_offset
        if isinstance(error, _UnsureError):
            if self._damaged_at.pop(self._tp, None) != first:
                self._damaged_at[self._tp] = first
                log.warning(
                    "%s: the batch at offset %d is damaged (%s); fetching it again",
                    self._tp,
                    first,
                    error,
                )
                raise _FetchAgainError
            last = self._sure_last_offset(last)
        elif last < first:
            log.warning(
                "%s: what follows the records of the batch at offset %d is ignored: %s",
                self._tp,
                frame.base_offset,
                error,
            )
            return None
        if isinstance(error, TooLargeError):
            self.spent += MAXIMUM_UNPACKED_BYTES
        last = max(first, last)
        self.next_fetch_offset = last + 1
        what = "the message" if first == last else f"the messages at offsets {first} to {last}"
        size = f"in a batch of {frame.size} bytes"
        if isinstance(error, TooLargeError):
            why = str(error) or f"it would unpack to more than {MAXIMUM_UNPACKED_BYTES} bytes"
            refusal = Refusal(
                "too_large", f"{what} {size}: {why}; send smaller batches, leave attachments out"
            )
        else:
            refusal = Refusal(
                "unreadable_batch",
                f"{what} {size} cannot be read: {error}; send again what is missing",
            )
        return DecodedMessage(
            last, bytes(frame.data) if len(frame.data) <= KEPT_BATCH_BYTES else None, refusal
        )

    def _sure_last_offset(self, claimed: int) -> int:
        """The last offset of a batch that may claim anything.

        It is never beyond what comes after the batch in the log.
        """
        follower, first = self._records.follower, self.next_fetch_offset
        bounds = [each - 1 for each in (follower, self.log_end) if each is not None]
        if claimed < first:
            claimed = first if follower is None else follower - 1
        return min([claimed, *bounds])

    def close(self) -> None:
        """Free what was unpacked: the iterator and this object refer to each other."""
        if self._records_iterator is not None:
            self._records_iterator.close()


class Fetched(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka ships no types
    """What was fetched of one partition, handed out by its bytes, too.

    aiokafka counts only messages, however long they are.
    """

    _partition_records: PartitionMessages | None
    bytes_left: ClassVar[int] = HANDED_ON_BYTES
    """How many bytes all partitions together may still hand out, until it is set anew."""

    def __init__(
        self, tp: Any, *, assignment: Any, partition_records: PartitionMessages, backoff: float
    ) -> None:
        super().__init__(
            tp, assignment=assignment, partition_records=partition_records, backoff=backoff
        )
        partition_records.log_end = assignment.state_value(tp).highwater

    def getall(self, max_records: int | None = None) -> list[FetchedMessage]:
        """The next messages.

        They are as many as asked for, or as there are, or until the bytes are used up.
        """
        taken: list[FetchedMessage] = []
        left = Fetched.bytes_left
        records = self._partition_records
        if left <= 0 or max_records == 0 or records is None:
            return taken
        if not self.check_assignment(self._topic_partition):
            records.close()
            return taken
        for message in records.messages:
            taken.append(message)
            if message.value is not None:
                left -= len(message.value)
            if left <= records.spent or len(taken) == max_records:
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records = None
        # What was unpacked for nothing counts, too: in between, this thread has to tell its group
        # that it lives.
        Fetched.bytes_left, records.spent = left - records.spent, 0
        return taken

    def __del__(self) -> None:
        if self._partition_records is not None:
            self._partition_records.close()


def take_their_places() -> None:
    """Put these classes in the places of aiokafka's own, which has no settings for them.

    No other consumer of aiokafka is in this process.
    """
    places: Mapping[str, type] = {
        "MemoryRecords": Frames,
        "PartitionRecords": PartitionMessages,
        "FetchResult": Fetched,
    }
    for name, ours in places.items():
        setattr(fetcher, name, ours)
