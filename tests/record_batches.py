"""Batches of records as producers write them, and as nobody should: for whatever reads them."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any

from aiokafka import codec as codecs
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
UNKNOWN_CODEC = 6
NAMES: Mapping[int, str] = {GZIP: "gzip", SNAPPY: "snappy", LZ4: "lz4", ZSTD: "zstd"}
PACK: Mapping[int, Callable[[bytes], bytes]] = {
    GZIP: codecs.gzip_encode,
    SNAPPY: codecs.snappy_encode,
    LZ4: codecs.lz4_encode,
    ZSTD: codecs.zstd_encode,
}
HEADER_BYTES = 61
Record = tuple[int, bytes | None]


def batch(
    base_offset: int,
    values: Sequence[bytes | None],
    codec: int = 0,
    *,
    headers: Iterable[Any] = (),
    producer_id: int = -1,
    **options: int,
) -> bytes:
    """A batch as aiokafka writes it; `options` are its builder's."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=options.get("is_transactional", 0),
        producer_id=producer_id,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 31,
    )
    for place, value in enumerate(values):
        assert builder.append(place, _now_ms(), b"key", value, list(headers)) is not None
    return base_offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def _now_ms() -> int:
    """A broker soon deletes what says that it is old."""
    return int(1_000 * time.time())


def varint(value: int) -> bytes:
    """A number as records have them: zigzag, seven bits a byte."""
    left, out = (value << 1) ^ (value >> 63), bytearray()
    while True:
        out.append(left & 0x7F | (0x80 if left > 0x7F else 0))
        left >>= 7
        if not left:
            return bytes(out)


def record(
    offset_delta: int,
    value: bytes | None,
    *,
    key: bytes | None = None,
    tail: bytes = b"\x00",
    timestamp_delta: int = 0,
) -> bytes:
    """One record, not compressed; `tail` are its headers."""
    lengths = [-1 if each is None else len(each) for each in (key, value)]
    fields = (
        varint(timestamp_delta)
        + varint(offset_delta)
        + varint(lengths[0])
        + (key or b"")
        + varint(lengths[1])
        + (value or b"")
    )
    content = b"\x00" + fields + tail
    return varint(len(content)) + content


def raw_batch(
    base_offset: int,
    last_delta: int,
    count: int,
    data: bytes,
    *,
    attributes: int = 0,
    magic: int = 2,
    stamp_ms: int | None = None,
) -> bytes:
    """A batch of these bytes, whatever they are, with the right checksum."""
    stamp = _now_ms() if stamp_ms is None else stamp_ms
    fields = struct.pack(">hiqqqhii", attributes, last_delta, stamp, stamp, -1, -1, -1, count)
    checksum = calc_crc32c(fields + data)
    return (
        struct.pack(">qiibI", base_offset, HEADER_BYTES - 12 + len(data), 0, magic, checksum)
        + fields
        + data
    )


def packed_batch(base_offset: int, last_delta: int, count: int, data: bytes, codec: int) -> bytes:
    """The same, compressed."""
    return raw_batch(base_offset, last_delta, count, PACK[codec](data), attributes=codec)


def flipped(data: bytes, place: int) -> bytes:
    """The bytes with one of them changed."""
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]
