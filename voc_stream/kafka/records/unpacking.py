"""Unpacks compressed records within a limit.

What would become too large is given up before the memory for it is taken. What a codec says about
the unpacked size may be absent (lz4, zstd) or a lie (gzip keeps its last 32 bits). So it is never
trusted. The output is a buffer of fixed size, and writing past it fails. Blocks of snappy name
their size, and are not written if it is wrong.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Protocol

import cramjam

if TYPE_CHECKING:
    from collections.abc import Mapping

# The broker bounds a batch in the form in which it is kept, at 1 MiB unless told otherwise. JSON
# becomes 5 to 20 times smaller. This is 256 messages of the largest size that is taken in. One such
# buffer at a time leaves a worker of 400 MiB far below 1 GiB.
MAXIMUM_UNPACKED_BYTES = 64 * 1024 * 1024
# This ratio is tried first: more than this many times its size is rare, and a small batch stays in
# the heap.
USUAL_RATIO = 32
SMALLEST_BUFFER_BYTES = 8 * 1024
LARGEST_HEAP_BUFFER_BYTES = 4 * 1024 * 1024

XERIAL_HEADER = b"\x82SNAPPY\x00"
XERIAL_HEADER_BYTES = 16
SNAPPY = 2

_FULL = "failed to write whole buffer"


class _Codec(Protocol):
    def decompress_into(self, data: bytes | memoryview, output: bytearray | mmap.mmap) -> int: ...


_STREAMS: Mapping[int, _Codec] = {1: cramjam.gzip, 3: cramjam.lz4, 4: cramjam.zstd}


class TooLargeError(Exception):
    """The records would unpack to more than MAXIMUM_UNPACKED_BYTES."""


class DamagedError(Exception):
    """The bytes are not what they must be; the message says what is wrong."""


def unpack(codec: int, packed: bytes | memoryview) -> bytes | memoryview:
    """The bytes that were compressed with one of Kafka's codecs.

    `codec` is its number in the attributes of a batch. Raises TooLargeError, and DamagedError if
    the bytes cannot be read.

    >>> unpack(4, bytes(cramjam.zstd.compress(b"events")))
    b'events'
    """
    if codec == SNAPPY:
        return _unpack_snappy(memoryview(packed))
    if codec not in _STREAMS:
        raise DamagedError(
            f"its compression has the number {codec}, which no version of Kafka knows"
        )
    sizes = [
        min(max(USUAL_RATIO * len(packed), SMALLEST_BUFFER_BYTES), LARGEST_HEAP_BUFFER_BYTES),
        MAXIMUM_UNPACKED_BYTES,
    ]
    for size in sizes:
        output = _buffer(size)
        try:
            length = _STREAMS[codec].decompress_into(packed, output)
        except cramjam.DecompressionError as error:
            if str(error) != _FULL:
                raise DamagedError(f"it cannot be unpacked ({error})") from error
        else:
            return _filled(output, length)
    raise TooLargeError


def _unpack_snappy(packed: memoryview) -> bytes | memoryview:
    blocks = (
        list(_xerial_blocks(packed)) if packed[: len(XERIAL_HEADER)] == XERIAL_HEADER else [packed]
    )
    try:
        sizes = [cramjam.snappy.decompress_raw_len(block) for block in blocks]
        if sum(sizes) > MAXIMUM_UNPACKED_BYTES:
            raise TooLargeError
        output = _buffer(sum(sizes))
        room, end = memoryview(output), 0
        for block, size in zip(blocks, sizes, strict=True):
            written = cramjam.snappy.decompress_raw_into(block, room[end : end + size])
            end += written
    except cramjam.DecompressionError as error:
        raise DamagedError(f"it cannot be unpacked ({error})") from error
    room.release()
    return _filled(output, end)


def _xerial_blocks(packed: memoryview) -> list[memoryview]:
    """The blocks in the framing of Java's library.

    They come after the header, each with its length before it.
    """
    blocks, place = [], XERIAL_HEADER_BYTES
    while place < len(packed):
        if place + 4 > len(packed):
            raise DamagedError("the last block of its compression is cut off")
        (length,) = struct.unpack_from(">i", packed, place)
        place += 4
        if not 0 < length <= len(packed) - place:
            raise DamagedError(f"a block of its compression says that it has {length} bytes")
        blocks.append(packed[place : place + length])
        place += length
    return blocks


def _buffer(size: int) -> bytearray | mmap.mmap:
    """Room for so many bytes.

    Large room takes memory only as it is filled, and gives it back at once.
    """
    return bytearray(size) if size <= LARGEST_HEAP_BUFFER_BYTES else mmap.mmap(-1, size)


def _filled(output: bytearray | mmap.mmap, length: int) -> bytes | memoryview:
    if isinstance(output, bytearray):
        with memoryview(output) as room:
            return bytes(room[:length])
    return memoryview(output)[:length]
