"""Compressed records are unpacked as they were, or given up before they take the memory."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from aiokafka.codec import snappy_encode
from hypothesis import given
from hypothesis import strategies as st
from record_batches import GZIP, LZ4, NAMES, PACK, SNAPPY, UNKNOWN_CODEC, ZSTD

from voc_stream.kafka.records import unpacking
from voc_stream.kafka.records.unpacking import (
    MAXIMUM_UNPACKED_BYTES,
    DamagedError,
    TooLargeError,
    unpack,
)

EVENTS = b'{"event_id":"e-1","type":"touchpoint","score":8}' * 2_000
every_codec = pytest.mark.parametrize("codec", NAMES, ids=NAMES.values())


@every_codec
@pytest.mark.parametrize("copies", [1, 100], ids=["usual", "large"])
def test_each_codec_gives_back_what_was_compressed(codec: int, copies: int) -> None:
    """Also where it is too large for the heap."""
    assert bytes(unpack(codec, PACK[codec](EVENTS * copies))) == EVENTS * copies


def test_snappy_without_the_framing_of_java() -> None:
    """C clients write one block; Java's library frames many."""
    assert bytes(unpack(SNAPPY, snappy_encode(EVENTS, xerial_compatible=False))) == EVENTS


@every_codec
def test_exactly_the_limit_is_unpacked_and_one_byte_more_is_not(
    codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every codec the limit is the same."""
    monkeypatch.setattr(unpacking, "MAXIMUM_UNPACKED_BYTES", len(EVENTS))
    monkeypatch.setattr(unpacking, "LARGEST_HEAP_BUFFER_BYTES", 1_000)
    assert bytes(unpack(codec, PACK[codec](EVENTS))) == EVENTS
    with pytest.raises(TooLargeError):
        unpack(codec, PACK[codec](EVENTS + b" "))


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (GZIP, PACK[GZIP](bytes(MAXIMUM_UNPACKED_BYTES + 1))[:-4] + struct.pack("<I", 7)),
        (SNAPPY, b"\xff\xff\xff\xff\x0f" + b"\x00a" * 50),
        (ZSTD, PACK[ZSTD](bytes(MAXIMUM_UNPACKED_BYTES + 1))),
        (LZ4, PACK[LZ4](bytes(MAXIMUM_UNPACKED_BYTES + 1))),
    ],
    ids=["gzip", "snappy", "zstd", "lz4"],
)
def test_a_size_that_lies_is_not_believed(codec: int, packed: bytes) -> None:
    """The one of gzip says 7 bytes of 64 MiB, that of snappy 4 GiB of 50 bytes.

    The others say nothing.
    """
    with pytest.raises(TooLargeError):
        unpack(codec, packed)


@pytest.mark.parametrize(
    "packed",
    [
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\xff\xff\xff\xff",
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00",
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x7f\xff\xff\xffabc",
        b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00",
    ],
)
def test_blocks_with_impossible_lengths_are_damaged(packed: bytes) -> None:
    """Below zero, zero, beyond the end, cut off."""
    with pytest.raises(DamagedError):
        unpack(SNAPPY, packed)


def test_a_codec_that_nobody_knows_is_named() -> None:
    """The three bits hold numbers that no version of Kafka has given out."""
    with pytest.raises(DamagedError, match="number 6"):
        unpack(UNKNOWN_CODEC, EVENTS)


@given(
    codec=st.sampled_from(sorted(NAMES)),
    place=st.integers(0, 10_000),
    change=st.binary(max_size=5),
    cut=st.integers(0, 30),
)
def test_damaged_bytes_are_told_as_such(codec: int, place: int, change: bytes, cut: int) -> None:
    """Whatever was changed or cut off.

    The bytes come out, or one of two errors, and never more than the limit.
    """
    whole = PACK[codec](EVENTS)
    place %= len(whole)
    packed = (whole[:place] + change + whole[place + len(change) :])[: len(whole) - cut]
    with suppress(DamagedError, TooLargeError):
        assert len(unpack(codec, packed)) <= MAXIMUM_UNPACKED_BYTES
