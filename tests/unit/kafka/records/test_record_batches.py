"""Our reader of records agrees with aiokafka's on what is sound.

It gives up what is not, whatever the bytes are.
"""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from record_batches import GZIP, batch, raw_batch, record

from voc_stream.kafka.records.record_batches import (
    Frame,
    Frames,
    read_carefully,
    read_quickly,
    record_count,
)
from voc_stream.kafka.records.unpacking import DamagedError
from voc_stream.pipeline.ports import Message

VALUES = st.lists(st.none() | st.binary(max_size=200), min_size=1, max_size=20)


def only_frame(data: bytes) -> Frame:
    """The one batch of a fetch."""
    frames = Frames(data)
    frame = frames.next_frame()
    assert frame is not None
    assert frames.next_frame() is None
    return frame


@given(base=st.integers(0, 2**40), values=VALUES)
def test_both_readers_agree(base: int, values: list[bytes | None]) -> None:
    """The one in C, for batches that are small, and ours."""
    frame = only_frame(batch(base, values, headers=[("h", b"v")]))
    data = bytes(frame.data[61:])
    assert frame.claimed_last_offset == base + len(values) - 1
    carefully = list(read_carefully(base, frame.claimed_last_offset, record_count(frame), data))
    assert carefully == [Message(each.offset, each.value) for each in read_quickly(frame, data)]
    assert [each.value for each in carefully] == values


@given(
    values=VALUES,
    place=st.integers(0, 5_000),
    change=st.binary(min_size=1, max_size=6),
    count=st.integers(-5, 30),
)
def test_whatever_the_bytes_are_offsets_rise_and_stay_inside(
    values: list[bytes | None], place: int, change: bytes, count: int
) -> None:
    """A record never claims an offset that was given before or lies outside its batch.

    The position follows the offsets.
    """
    whole = b"".join(record(delta, value) for delta, value in enumerate(values))
    place %= len(whole)
    offsets = [9]
    with suppress(DamagedError):
        for each in read_carefully(
            10, 40, count, whole[:place] + change + whole[place + len(change) :]
        ):
            assert offsets[-1] < each.offset <= 40
            offsets.append(each.offset)


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_apart_to_their_end(data: bytes) -> None:
    """Frames never overlap, never go beyond the bytes, and end."""
    frames, total = Frames(data), 0
    while (frame := frames.next_frame()) is not None:
        total += len(frame.data)
        assert total <= len(data)


def test_a_compressed_batch_reads_like_one_that_is_not() -> None:
    """The codec in its header is of no concern once its records are unpacked."""
    data = record(0, b"a") + record(1, b"b")
    frame = only_frame(raw_batch(7, 1, 2, b"packed", attributes=GZIP))
    assert [(each.offset, each.value) for each in read_quickly(frame, data)] == [
        (7, b"a"),
        (8, b"b"),
    ]
