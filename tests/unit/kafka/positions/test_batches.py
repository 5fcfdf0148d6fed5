from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.kafka.positions.batches import FetchedBatch, Verdict, from_offset, joined, judge
from voc_stream.pipeline.ports import Message, Partition

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITION = Partition("voc.callbacks", 0)


def fetched(start: int | None, *offsets: int, seek_number: int = 1) -> FetchedBatch[Message]:
    return FetchedBatch(
        PARTITION, start, seek_number, [Message(offset, b"{}") for offset in offsets]
    )


def test_a_batch_that_continues_the_stored_position_is_applied() -> None:
    """`start` equal to the position means that nothing lies between.

    Whatever gaps the offsets have.
    """
    assert judge(fetched(10, 10, 11), 10, 1) is Verdict.APPLY
    assert judge(fetched(10, 13, 17), 10, 1) is Verdict.APPLY
    assert fetched(10, 13, 17).skipped_offsets == 3


def test_a_batch_that_overlaps_what_was_applied_is_applied_from_there() -> None:
    """After a rewind to an earlier position only the new part counts."""
    batch = fetched(8, 8, 9, 10, 12)
    assert judge(batch, 10, 1) is Verdict.APPLY
    assert [message.offset for message in from_offset(batch.messages, 10)] == [10, 12]


def test_a_batch_behind_the_position_is_skipped() -> None:
    """It was applied already."""
    assert judge(fetched(5, 5, 9), 10, 1) is Verdict.SKIP


def test_a_batch_after_a_hole_makes_the_worker_fetch_again() -> None:
    """A batch between was dropped (a rebalance, a failure): applying this one would lose it."""
    assert judge(fetched(11, 11, 12), 10, 1) is Verdict.REWIND
    assert judge(fetched(None, 10, 11), 10, 1) is Verdict.REWIND


def test_a_log_that_went_backwards_is_looked_at_again() -> None:
    """Offsets before the place that was asked for.

    Kafka reset the position, so the log is another one or was cut.
    """
    assert judge(fetched(500, 0, 1), 500, 1) is Verdict.RELOAD


def test_what_was_fetched_before_the_last_seek_is_stale() -> None:
    """Otherwise a batch of an old log could pass for the first one of the new log."""
    assert judge(fetched(0, 0, 1, seek_number=1), 0, 2) is Verdict.SKIP


def test_a_revoked_partition_is_left_to_its_new_owner() -> None:
    """No position means that the partition is not ours."""
    assert judge(fetched(0, 0, 1), None, 1) is Verdict.SKIP


def test_offsets_that_hold_nothing_to_read_are_judged_like_a_batch() -> None:
    """Markers of transactions and aborted messages.

    The position moves past them, in its turn and only once.
    """
    gap = FetchedBatch(PARTITION, 10, 1, (), end=13)
    assert judge(gap, 10, 1) is Verdict.APPLY
    assert judge(gap, 12, 1) is Verdict.APPLY
    assert judge(gap, 13, 1) is Verdict.SKIP
    assert judge(gap, 9, 1) is Verdict.REWIND
    assert judge(gap, 10, 2) is Verdict.SKIP
    assert (gap.next_offset, gap.skipped_offsets, from_offset(gap.messages, 10)) == (13, 3, ())


@given(
    log=st.lists(st.integers(0, 60), min_size=1, unique=True).map(sorted),
    fetches=st.lists(
        st.tuples(st.sampled_from(["deliver", "drop", "rewind"]), st.integers(1, 7)), max_size=60
    ),
)
def test_whatever_is_dropped_or_repeated_each_message_is_applied_once_and_in_order(
    log: list[int], fetches: list[tuple[str, int]]
) -> None:
    """A consumer that loses batches and is thrown back still applies the log exactly.

    A hole makes it fetch again.
    """
    position, durable, seek_number, applied = 0, 0, 0, list[int]()
    for what, size in [*fetches, *[("deliver", 7)] * (len(log) + 3)]:
        if what == "rewind":
            position, seek_number = max(0, durable - size), seek_number + 1
        chunk = [offset for offset in log if offset >= position][:size]
        if not chunk:
            continue
        batch = fetched(position, *chunk, seek_number=seek_number)
        position = batch.next_offset
        if what == "drop":
            continue
        verdict = judge(batch, durable, seek_number)
        if verdict is Verdict.APPLY:
            applied += [message.offset for message in from_offset(batch.messages, durable)]
            durable = batch.next_offset
        elif verdict is Verdict.REWIND:
            position, seek_number = durable, seek_number + 1
    # A last batch that was dropped shows only when another one follows.
    assert applied == log[: len(applied)]
    assert durable == (applied[-1] + 1 if applied else 0)


def test_what_goes_on_becomes_one_batch() -> None:
    """Two fetches of a partition are judged as one; those of others stay as they are."""
    other = FetchedBatch(Partition("voc.callbacks", 1), 0, 1, [Message(0, b"{}")])
    assert joined([fetched(5, 5, 6)], [other, fetched(7, 7, 8)]) == [fetched(5, 5, 6, 7, 8), other]


def test_offsets_that_hold_nothing_to_read_may_stand_before_and_behind() -> None:
    """The position after a joined batch is the one after both."""
    gap = FetchedBatch(PARTITION, 7, 1, (), end=12)
    [behind] = joined([fetched(5, 5, 6)], [gap])
    assert (behind.next_offset, [message.offset for message in behind.messages]) == (12, [5, 6])
    [between] = joined([behind], [fetched(12, 12)])
    assert (
        between.start,
        between.next_offset,
        [message.offset for message in between.messages],
    ) == (5, 13, [5, 6, 12])
    [before] = joined([gap], [fetched(12, 14)])
    assert (before.first_offset, before.skipped_offsets, before.next_offset) == (14, 7, 15)


def test_all_offsets_without_messages_are_counted_once() -> None:
    """Retention may delete what lies between two fetches; the metric must tell."""
    [batch] = joined([fetched(5, 7, 8)], [fetched(9, 20)])
    assert batch.skipped_offsets == 2 + 11
    [batch] = joined([batch], [FetchedBatch(PARTITION, 21, 1, (), end=24)])
    assert batch.skipped_offsets == 2 + 11 + 3


def test_what_does_not_go_on_stays_by_itself() -> None:
    """After a seek, after a hole, and where the log went backwards.

    Each is judged for itself, as if it had come alone.
    """
    first = fetched(5, 5, 6)
    for second in (fetched(7, 7, seek_number=2), fetched(8, 8), fetched(None, 7), fetched(7, 0)):
        assert joined([first], [second]) == [first, second]
        assert judge(joined([first], [second])[1], 5, 1) is judge(second, 5, 1)


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=6))
def test_joining_changes_nothing_of_what_was_fetched(fetches: list[list[int]]) -> None:
    """However often it is gathered.

    All messages, in order, from the first position to the last one.
    """
    position = 0
    gathered: Sequence[FetchedBatch[Message]] = []
    offsets: list[int] = []
    for distances in fetches:
        found: list[int] = []
        for distance in distances:
            found.append((found[-1] + 1 if found else position) + distance)
        if found:
            gathered = joined(gathered, [fetched(position, *found)])
            position = found[-1] + 1
            offsets += found
    assert [message.offset for batch in gathered for message in batch.messages] == offsets
    assert [(batch.start, batch.next_offset) for batch in gathered] == (
        [(0, position)] if offsets else []
    )
