"""What was fetched becomes messages, whatever the bytes are.

What cannot be read is one refusal, and nothing else waits.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from record_batches import (
    GZIP,
    NAMES,
    UNKNOWN_CODEC,
    ZSTD,
    batch,
    flipped,
    packed_batch,
    raw_batch,
    record,
    varint,
)

from voc_stream.events.refusal import Refusal
from voc_stream.kafka.records import reading
from voc_stream.kafka.records.reading import (
    KEPT_BATCH_BYTES,
    QUICKLY_READ_BYTES,
    Fetched,
    PartitionMessages,
)
from voc_stream.kafka.records.record_batches import (
    KEPT_VALUE_BYTES,
    MAXIMUM_FETCH_BYTES,
    Frames,
    contents,
)
from voc_stream.kafka.records.unpacking import MAXIMUM_UNPACKED_BYTES
from voc_stream.kafka.worker import app
from voc_stream.pipeline.ports import DecodedMessage, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.kafka.records.record_batches import Frame
    from voc_stream.pipeline.ports import FetchedMessage

PLACE = TopicPartition("t", 0)
LOG_END = 10_000


class Assignment:
    """One partition, which is ours and follows its records."""

    active = True
    paused = False
    position = 0
    highwater = LOG_END

    def state_value(self, _: object) -> Assignment:
        """Its state."""
        return self

    def consumed_to(self, position: int) -> None:
        """Move the position."""
        self.position = position


def fetched(data: bytes, position: int = 0, aborted: Sequence[tuple[int, int]] = ()) -> Any:
    """What waits, as aiokafka makes it: of the classes that we put in the places of its own."""
    records = fetcher.PartitionRecords(
        PLACE, fetcher.MemoryRecords(data), list(aborted), position, None, None, True, 1
    )
    assignment = Assignment()
    assignment.position = position
    return fetcher.FetchResult(PLACE, assignment=assignment, partition_records=records, backoff=0)


def read(
    data: bytes, position: int = 0, aborted: Sequence[tuple[int, int]] = ()
) -> tuple[list[FetchedMessage], int]:
    """All messages, and the position after them; what is fetched again gives the same bytes."""
    messages: list[FetchedMessage] = []
    for _ in range(2):
        waiting = fetched(data, position, aborted)
        while waiting.has_more():
            Fetched.bytes_left = reading.HANDED_ON_BYTES
            messages += waiting.getall(7)
        position = waiting._assignment.position
    return messages, position


def refusals(messages: Sequence[FetchedMessage]) -> list[tuple[int, str]]:
    """Offsets and reasons of what was refused."""
    return [
        (each.offset, each.content.reason)
        for each in messages
        if isinstance(each, DecodedMessage) and isinstance(each.content, Refusal)
    ]


def offsets(messages: Sequence[FetchedMessage]) -> list[int]:
    """Offsets of what was read."""
    return [each.offset for each in messages if isinstance(each, Message)]


@pytest.fixture(autouse=True)
def _nothing_was_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PartitionMessages, "_damaged_at", {})
    monkeypatch.setattr(Fetched, "bytes_left", reading.HANDED_ON_BYTES)


def test_the_consumer_reads_with_it() -> None:
    """It makes our objects: else nothing here would protect a worker."""
    assert app.__name__ in sys.modules
    assert (fetcher.FetchResult, fetcher.PartitionRecords, fetcher.MemoryRecords) == (
        Fetched,
        PartitionMessages,
        Frames,
    )


@pytest.mark.parametrize("codec", [0, *NAMES], ids=["none", *NAMES.values()])
@pytest.mark.parametrize("length", [50, 3_000], ids=["short", "long"])
def test_every_codec_gives_the_same_messages(codec: int, length: int) -> None:
    """Values, empty ones and absent ones are read at their offsets.

    Also if the batch is large.
    """
    values = [None, b"", *(bytes([place % 256]) * length for place in range(1_000))]
    messages, position = read(
        batch(5, values, codec, headers=[("h", b"x"), ("n", None)]) + batch(1_007, [b"last"], codec)
    )
    assert messages == [Message(5 + place, value) for place, value in enumerate([*values, b"last"])]
    assert position == 1_008


def test_reading_begins_in_the_midst_of_a_batch() -> None:
    """A position inside a batch: what comes before it is not given again."""
    for codec in (0, ZSTD):
        assert offsets(read(batch(10, [b"v"] * 5, codec), position=13)[0]) == [13, 14]


BAD = {
    "unknown codec": (
        raw_batch(2, 3, 4, b"????" * 20, attributes=UNKNOWN_CODEC),
        "unreadable_batch",
    ),
    "wrong checksum": (flipped(batch(2, [b"v"] * 4), 80), "unreadable_batch"),
    "wrong checksum, absurd last offset": (
        flipped(flipped(batch(2, [b"v"] * 4), 80), 23),
        "unreadable_batch",
    ),
    "what was compressed is cut off": (
        raw_batch(2, 3, 4, batch(2, [b"v" * 99] * 4, GZIP)[61:-9], attributes=GZIP),
        "unreadable_batch",
    ),
    "what was compressed is no record": (
        packed_batch(2, 3, 4, b"\x01\x02rubbish", ZSTD),
        "unreadable_batch",
    ),
    "no record at all": (raw_batch(2, 3, 4, b""), "unreadable_batch"),
    "a length below zero": (raw_batch(2, 3, 4, varint(-5) + b"abc"), "unreadable_batch"),
    "a length beyond the end": (raw_batch(2, 3, 4, varint(2**40) + b"abc"), "unreadable_batch"),
    "a length beyond 64 bits": (raw_batch(2, 3, 4, b"\xff" * 30), "unreadable_batch"),
    "a key of 2^63 bytes": (
        raw_batch(2, 3, 4, varint(40) + b"\0\0\0" + b"\xfe" + b"\xff" * 8 + b"\x01" + b"x" * 27),
        "unreadable_batch",
    ),
    "a value below zero": (
        raw_batch(2, 3, 4, varint(6) + b"\0\0\0\1" + varint(7) + b"x"),
        "unreadable_batch",
    ),
    "the same offset twice at once": (raw_batch(2, 3, 4, record(-1, b"v") * 4), "unreadable_batch"),
    "an offset beyond the batch": (raw_batch(2, 3, 4, record(10**6, b"v") * 4), "unreadable_batch"),
    "another format": (raw_batch(2, 3, 4, b"x" * 40, magic=3), "unreadable_batch"),
    "a bomb": (packed_batch(2, 3, 4, bytes(MAXIMUM_UNPACKED_BYTES + 1), ZSTD), "too_large"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_batch_that_cannot_be_read_is_one_refusal(bad: bytes, reason: str) -> None:
    """At its last offset, with its bytes and its place.

    All messages around it are read, and the position is exactly after it.
    """
    messages, position = read(batch(0, [b"a", b"b"]) + bad + batch(6, [b"c"]))
    assert offsets(messages) == [0, 1, 6]
    assert refusals(messages) == [(5, reason)]
    [refused] = [each for each in messages if isinstance(each, DecodedMessage)]
    assert refused.value == bad
    assert isinstance(refused.content, Refusal)
    assert f"offsets 2 to 5 in a batch of {len(bad)} bytes" in refused.content.detail
    assert position == 7


def test_the_rest_of_a_batch_is_refused_where_the_beginning_can_be_read() -> None:
    """What came before a broken record counts."""
    data = record(0, b"a") + record(1, b"b") + varint(50) + b"cut off"
    for bad in (raw_batch(3, 9, 10, data), packed_batch(3, 9, 10, data, ZSTD)):
        messages, position = read(bad)
        assert (offsets(messages), refusals(messages), position) == (
            [3, 4],
            [(12, "unreadable_batch")],
            13,
        )


def test_a_count_that_is_too_small_hides_nothing() -> None:
    """Records beyond the count that the batch states are refused with it."""
    messages, position = read(
        raw_batch(3, 2, 1, record(0, b"a") + record(1, b"b") + record(2, b"c"))
    )
    assert (offsets(messages), refusals(messages), position) == ([3], [(5, "unreadable_batch")], 6)


def test_bytes_after_the_last_record_do_not_matter() -> None:
    """No offset is left that could be refused."""
    messages, position = read(raw_batch(3, 0, 1, record(0, b"a") + b"more") + batch(4, [b"b"]))
    assert (offsets(messages), refusals(messages), position) == ([3, 4], [], 5)


@pytest.mark.parametrize(
    "tail",
    [
        varint(1) + varint(2) + b"\xff\xfe" + varint(-1),
        varint(2**50),
        varint(-7),
        varint(1) + varint(-3),
        b"no headers",
        b"\x00more",
    ],
    ids=["not UTF-8", "2^50", "below zero", "a name below zero", "rubbish", "more"],
)
def test_headers_are_not_looked_at(tail: bytes) -> None:
    """Nothing reads them, so whatever they are costs no event."""
    data = record(0, b"a") + record(1, b"b", tail=tail) + record(2, b"c", timestamp_delta=2**62)
    for good in (raw_batch(3, 2, 3, data), packed_batch(3, 2, 3, data, ZSTD)):
        messages, position = read(good)
        assert (offsets(messages), refusals(messages), position) == ([3, 4, 5], [], 6)


def test_damage_on_the_way_is_fetched_again() -> None:
    """A checksum that is wrong once refuses nothing; what comes the second time is read."""
    whole = batch(0, [b"a"]) + batch(1, [b"b"]) + batch(2, [b"c"])
    damaged = fetched(flipped(whole, len(batch(0, [b"a"])) + 70))
    assert damaged.getall(100) == [Message(0, b"a")]
    assert not damaged.has_more()
    assert damaged._assignment.position == 1
    assert read(whole, position=1) == ([Message(1, b"b"), Message(2, b"c")], 3)


def test_a_damaged_last_offset_never_leads_beyond_the_log() -> None:
    """If nothing follows, the end of the log bounds what a batch with a wrong checksum says.

    And it goes on by one at least.
    """
    far, back = (
        batch(7, [b"v"])[:23] + delta + batch(7, [b"v"])[27:]
        for delta in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff")
    )
    assert [refusals(read(each, position=7)[0]) for each in (far, back)] == [
        [(LOG_END - 1, "unreadable_batch")],
        [(7, "unreadable_batch")],
    ]


@pytest.mark.parametrize("length", [0, -1, -12, 13, 20, 48, -(2**31)])
def test_a_batch_with_an_impossible_length_is_passed(length: int) -> None:
    """Kafka itself would not give it; whoever does cannot hold a partition for ever."""
    whole = batch(4, [b"v"] * 3)
    messages, position = read(
        batch(0, [b"a"] * 4) + whole[:8] + length.to_bytes(4, "big", signed=True) + whole[12:]
    )
    assert offsets(messages) == [0, 1, 2, 3]
    assert refusals(messages) == [(6, "unreadable_batch")]
    assert position == 7


def test_a_batch_that_never_comes_whole_is_too_large() -> None:
    """It names more bytes than are asked for, and only its beginning comes.

    One that was only cut off comes again.
    """
    huge = batch(4, [b"v" * (MAXIMUM_FETCH_BYTES + 1)])
    messages, position = read(huge[:5_000], position=4)
    assert (refusals(messages), position) == ([(4, "too_large")], 5)
    assert not Frames(batch(4, [b"v" * 100])[:80]).has_next()
    assert offsets(read(batch(0, [b"a"]) + batch(1, [b"b" * 100])[:80])[0]) == [0]
    assert [Frames(data).has_next() for data in (None, b"", b"12345678901")] == [
        False,
        False,
        False,
    ]


def test_only_what_fits_is_kept() -> None:
    """A batch beyond the limit is refused without its bytes; its size is in the detail."""
    [refused], _ = read(raw_batch(0, 0, 1, b"x" * KEPT_BATCH_BYTES, attributes=UNKNOWN_CODEC))
    assert isinstance(refused, DecodedMessage)
    assert (refused.value, refused.offset) == (None, 0)
    assert f"{KEPT_BATCH_BYTES + 61} bytes" in str(refused.content)


def test_a_value_that_is_too_long_to_keep_is_refused_alone() -> None:
    """Its neighbours in the batch count."""
    values = [b"a", b" " * (KEPT_VALUE_BYTES + 1), b"c", b" " * KEPT_VALUE_BYTES]
    messages, _ = read(batch(0, values, ZSTD))
    assert [each.value for each in messages] == [b"a", None, b"c", b" " * KEPT_VALUE_BYTES]
    assert refusals(messages) == [(1, "too_large")]


def test_a_bomb_ends_the_portion() -> None:
    """Unpacking for nothing takes time in which the worker must tell its group that it lives."""
    bomb = packed_batch(0, 0, 1, bytes(MAXIMUM_UNPACKED_BYTES + 1), ZSTD)
    waiting = fetched(bomb + batch(1, [b"v"]))
    assert [each.offset for each in waiting.getall(100)] == [0]
    assert Fetched.bytes_left <= 0
    assert waiting.getall(100) == []
    Fetched.bytes_left = 1
    assert [each.offset for each in waiting.getall(100)] == [1]


def test_many_tiny_records_come_in_portions() -> None:
    """A batch of some kilobytes may hold very many.

    They are handed out as any others: never more than asked for.
    """
    number = 150_000
    waiting = fetched(
        packed_batch(
            0, number - 1, number, b"".join(record(place, None) for place in range(number)), ZSTD
        )
    )
    taken = 0
    while waiting.has_more():
        portion = waiting.getall(5_000)
        assert len(portion) <= 5_000
        taken += len(portion)
    assert (taken, waiting._assignment.position) == (number, number)


def test_what_was_aborted_is_skipped_unread() -> None:
    """Also where it could not be read.

    And a marker that is none ends its transaction all the same.
    """
    aborted = batch(0, [b"no"] * 2, producer_id=7, is_transactional=1)
    unreadable = raw_batch(2, 1, 2, b"?", attributes=0x10 | UNKNOWN_CODEC)
    unreadable = unreadable[:43] + (7).to_bytes(8, "big") + unreadable[51:]
    marker = raw_batch(4, 0, 1, b"rubbish", attributes=0x30)
    messages, position = read(aborted + marker + batch(5, [b"yes"]), aborted=[(7, 0)])
    assert (offsets(messages), refusals(messages), position) == ([5], [], 6)


def test_short_messages_are_handed_out_by_their_number() -> None:
    """All that were asked for, and then the others; messages without a value count, too."""
    waiting = fetched(batch(0, [*[b"v"] * 40, None, *[b"v"] * 9]))
    assert [message.offset for message in waiting.getall(45)] == list(range(45))
    assert [message.offset for message in waiting.getall(45)] == list(range(45, 50))
    assert not waiting.has_more()


def test_long_messages_are_handed_out_by_their_bytes() -> None:
    """However many were asked for, and over all partitions together.

    Nothing is lost, and one that is longer than that comes, too.
    """
    first, second = fetched(batch(0, [bytes(100)] * 100)), fetched(batch(0, [bytes(5_000)] * 2))
    Fetched.bytes_left = 1_000
    taken = [message.offset for message in first.getall(10_000)]
    assert len(taken) == 10
    assert second.getall(10_000) == []
    while first.has_more():
        Fetched.bytes_left = 1_000
        taken += [message.offset for message in first.getall(10_000)]
    assert taken == list(range(100))
    Fetched.bytes_left = 6_000
    assert len(second.getall(10_000)) == 2


def test_what_was_unpacked_is_let_go_with_the_fetch() -> None:
    """A seek or a revocation drops a fetch in the midst of a batch.

    Its memory is given back at once, not with the next collection.
    """
    waiting = fetched(batch(0, [b" " * 1_000] * (3 * QUICKLY_READ_BYTES // 1_000), ZSTD))
    assert len(waiting.getall(3)) == 3
    messages = waiting._partition_records.messages
    assert messages.gi_frame is not None
    del waiting
    assert messages.gi_frame is None
    lost = fetched(batch(0, [b"v"] * 9, ZSTD))
    assert len(lost.getall(3)) == 3
    messages = lost._partition_records.messages
    lost._assignment.active = False
    assert lost.getall(3) == []
    assert messages.gi_frame is None


def test_one_batch_at_a_time_is_unpacked_whatever_the_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By aiokafka's own loop over what has come.

    Memory is that of one batch, and nothing is lost on the way.
    """
    unpacked: list[weakref.ref[memoryview]] = []
    most = 0

    def counted(frame: Frame, codec: int) -> memoryview:
        nonlocal most
        data = memoryview(contents(frame, codec))
        unpacked.append(weakref.ref(data))
        most = max(most, sum(each() is not None for each in unpacked))
        return data

    monkeypatch.setattr(reading, "contents", counted)
    consumer = fetcher.Fetcher.__new__(fetcher.Fetcher)
    consumer._subscriptions = SimpleNamespace(reassignment_in_progress=False)
    consumer._wait_consume_future = None
    monkeypatch.setattr(consumer, "_notify", lambda _: None)
    values = [b" " * 1_000] * (2 * QUICKLY_READ_BYTES // 1_000)
    waiting = {
        TopicPartition("t", number): fetched(
            batch(0, values, ZSTD) + batch(len(values), values, GZIP)
        )
        for number in range(5)
    }
    consumer._records, places = waiting, list(waiting)
    taken: Counter[TopicPartition] = Counter()
    while consumer._records:
        Fetched.bytes_left = 300_000
        for place, messages in asyncio.run(consumer.fetched_records(places, 0, 10_000)).items():
            taken[place] += len(messages)
    assert taken == dict.fromkeys(places, 2 * len(values))
    assert most == 1


@st.composite
def logs(draw: st.DrawFn) -> tuple[bytes, list[int], list[tuple[int, int]], int]:
    """A log of good and bad batches; the offsets that can be read, the bad ranges, and the end."""
    data, end = b"", draw(st.integers(0, 3))
    good: list[int] = []
    bad: list[tuple[int, int]] = []
    for _ in range(draw(st.integers(1, 8))):
        end += draw(st.sampled_from([0, 0, 0, 3]))  # compacted away
        count = draw(st.integers(1, 5))
        codec = draw(st.sampled_from([0, *NAMES]))
        one = batch(end, [b"value"] * count, codec)
        if draw(st.booleans()):
            good += range(end, end + count)
        else:
            bad.append((end, end + count - 1))
            one = draw(
                st.sampled_from(
                    [
                        flipped(one, 70),
                        raw_batch(end, count - 1, count, b"??", attributes=UNKNOWN_CODEC),
                        flipped(one, 17),
                    ]
                )
            )
        data, end = data + one, end + count
    return data, good, bad, end


@given(logs())
def test_every_message_around_unreadable_ones_is_read_once(
    log: tuple[bytes, list[int], list[tuple[int, int]], int],
) -> None:
    """Fetched again and again from where the position is.

    All that can be read is given once, each other range is refused once.
    """
    data, good, bad, end = log
    frames, parts = Frames(data), []
    while (frame := frames.next_frame()) is not None:
        parts.append((frame.claimed_last_offset, bytes(frame.data)))
    messages: list[FetchedMessage] = []
    position = 0
    for _ in range(2 * len(parts) + 2):
        waiting = fetched(b"".join(part for last, part in parts if last >= position), position)
        waiting._partition_records.log_end = end
        while waiting.has_more():
            Fetched.bytes_left = reading.HANDED_ON_BYTES
            messages += waiting.getall(3)
        position = waiting._assignment.position
    assert offsets(messages) == good
    assert [offset for offset, _ in refusals(messages)] == [last for _, last in bad]
    assert position == end
