"""Finds the batches in what Kafka gives for one fetch of one partition.

They stand one after the other, each of them bytes that somebody else wrote.
https://kafka.apache.org/documentation/#recordbatch says how they are laid out. Only the format of
Kafka 0.11 and later is read.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch

from voc_stream.events.decode import MAXIMUM_MESSAGE_BYTES, Refusal
from voc_stream.kafka.records.unpacking import (
    MAXIMUM_UNPACKED_BYTES,
    DamagedError,
    TooLargeError,
    unpack,
)
from voc_stream.pipeline.ports import DecodedMessage, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.pipeline.ports import FetchedMessage

# So many bytes are asked for of one partition; Kafka gives a first batch that is larger all the
# same.
MAXIMUM_FETCH_BYTES = 4 * 1024 * 1024
# A longer value is not even kept as a dead letter: PostgreSQL is given several copies of it.
KEPT_VALUE_BYTES = 16 * 1024 * 1024
MAGIC = 2
HEADER_BYTES = 61
_MAGIC_PLACE = 16
_LENGTH_ENDS = 12
_MAGIC_ENDS = _MAGIC_PLACE + 1
_LENGTH = struct.Struct(">qi")
_LAST_OFFSET_DELTA = struct.Struct(">i")
_COUNT = struct.Struct(">i")
_ATTRIBUTES_END = 23
_CODEC_MASK = 0x07
_MOST_VARINT_BITS = 64


class Frame(NamedTuple):
    """One batch as Kafka gave it.

    Attributes:
        base_offset: the first offset of it, as it says.
        data: all its bytes; of an incomplete batch, those that are there.
        size: how many bytes it says that it has.
    """

    base_offset: int
    data: memoryview
    size: int

    @property
    def is_damaged(self) -> bool:
        """Whether not even its borders are sure."""
        return self.size < HEADER_BYTES and (self.size < _MAGIC_ENDS or self.magic >= MAGIC)

    @property
    def is_incomplete(self) -> bool:
        """Whether Kafka gave only a part of it."""
        return len(self.data) < self.size

    @property
    def magic(self) -> int:
        """The number of its format; -1 if it is too short to have one."""
        return self.data[_MAGIC_PLACE] if len(self.data) > _MAGIC_PLACE else -1

    @property
    def claimed_last_offset(self) -> int:
        """The last offset that belongs to it, as it says; true only if its checksum is right."""
        if self.magic < MAGIC or len(self.data) < HEADER_BYTES:
            # Older formats: one message, or one around several that has the offset of the last one.
            return self.base_offset
        return self.base_offset + int(_LAST_OFFSET_DELTA.unpack_from(self.data, _ATTRIBUTES_END)[0])


class Frames:
    """The batches of one fetch, in the place of aiokafka's MemoryRecords.

    MemoryRecords reads beyond what a batch really has.
    """

    def __init__(self, data: bytes | None) -> None:
        self._data = memoryview(data or b"")
        self._place = 0
        self._next = self._look()

    def next_frame(self) -> Frame | None:
        """The next batch; None after the last one."""
        frame = self._next
        if frame is not None:
            self._place += len(frame.data)
            self._next = None if frame.is_damaged else self._look()
        return frame

    def has_next(self) -> bool:
        """Whether there is another batch."""
        return self._next is not None

    @property
    def follower(self) -> int | None:
        """The first offset of the batch that comes after the last one.

        None if the fetch ends before it.
        """
        return None if self._next is None else self._next.base_offset

    def size_in_bytes(self) -> int:
        """Say 0: aiokafka would end the consumer if bytes without a batch are given."""
        return 0

    def _look(self) -> Frame | None:
        place, data = self._place, self._data
        if len(data) - place < _LENGTH_ENDS:
            return None
        base_offset, length = _LENGTH.unpack_from(data, place)
        size = _LENGTH_ENDS + length
        end = place + size
        if end > len(data) and (place > 0 or size <= MAXIMUM_FETCH_BYTES):
            return None  # cut off by a limit; it comes whole another time
        frame = Frame(base_offset, data[place:end], size)
        # If the length makes no sense, all the rest is one batch that cannot be read.
        return Frame(base_offset, data[place:], size) if frame.is_damaged else frame


def is_batch(data: bytes) -> bool:
    """Whether the bytes are one whole batch and no message: the length of a batch stands in it.

    >>> is_batch(b'{"event_id": "e-1"}' * 10)
    False
    """
    return len(data) >= HEADER_BYTES and int(_LENGTH.unpack_from(data)[1]) + _LENGTH_ENDS == len(
        data
    )


def record_count(frame: Frame) -> int:
    """How many records a batch says that it has."""
    return int(_COUNT.unpack_from(frame.data, HEADER_BYTES - _COUNT.size)[0])


def contents(frame: Frame, codec: int) -> bytes | memoryview:
    """The records of a batch, not compressed. Raises TooLargeError, DamagedError."""
    data = frame.data[HEADER_BYTES:]
    if not codec or not data:
        if len(data) > MAXIMUM_UNPACKED_BYTES:
            raise TooLargeError
        return data
    return unpack(codec, data)


def read_quickly(frame: Frame, data: bytes | memoryview) -> Iterator[Message]:
    """Read the records by aiokafka's reader, which is in C: for batches without surprises.

    It makes objects of keys and headers, too, so a batch full of headers takes 40 times its size.
    Raises whatever the reader raises.
    """
    header = bytearray(frame.data[:HEADER_BYTES])
    header[_ATTRIBUTES_END - 1] &= ~_CODEC_MASK & 0xFF
    records: Iterator[Message] = iter(DefaultRecordBatch(bytes(header) + data))
    return records


def read_carefully(
    base_offset: int, last_offset: int, count: int, data: bytes | memoryview
) -> Iterator[FetchedMessage]:
    """Read the records without a look at keys and headers.

    A value that is too long even for a dead letter is refused without its bytes. Raises
    DamagedError at the first record that is not one, and if bytes are left.
    """
    place, expected = 0, base_offset
    for _ in range(count):
        length, place = _varint(data, place)
        end = place + length
        if length < 0 or end > len(data):
            raise DamagedError("a record says that it is longer than its batch")
        _, place = _varint(data, place + 1)  # after the attributes, the time
        offset_delta, place = _varint(data, place)
        key_length, place = _varint(data, place)
        value_length, place = _varint(data, place + max(0, key_length))
        if place + max(0, value_length) > end:
            raise DamagedError("a key or a value says that it is longer than its record")
        offset = base_offset + offset_delta
        if not expected <= offset <= last_offset:
            raise DamagedError(f"a record in it claims the offset {offset}")
        if value_length > KEPT_VALUE_BYTES:
            why = (
                f"{value_length} bytes are more than {MAXIMUM_MESSAGE_BYTES}, and too many to keep;"
                f" leave attachments out"
            )
            yield DecodedMessage(offset, None, Refusal("too_large", why))
        else:
            yield Message(
                offset, None if value_length < 0 else bytes(data[place : place + value_length])
            )
        place, expected = end, offset + 1
    if place != len(data):
        raise DamagedError(f"{len(data) - place} bytes are left after its records")


def _varint(data: bytes | memoryview, place: int) -> tuple[int, int]:
    """The number that begins at a place, and the place after it."""
    value = shift = 0
    try:
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004  the bit that says that another one follows
                return (value >> 1) ^ -(value & 1), place
            shift += 7
            if shift >= _MOST_VARINT_BITS:
                raise DamagedError("a number in it has too many bytes")
    except IndexError:
        raise DamagedError("a record ends with its batch") from None
