from __future__ import annotations

from datetime import timedelta

import pytest
from builders import message, touchpoint
from unit.postgres.store import NOW, Store, partition, send

from voc_stream.ports import StoreUnavailableError
from voc_stream.postgres.dead_letters import DeadLetterOffice, ReasonCount

LATER = NOW + timedelta(minutes=1)
TEN_MEGABYTES = b"\x00\xff" * 5_000_000


@pytest.fixture
def office(store: Store) -> DeadLetterOffice:
    """Of a store with five refusals of three reasons."""
    send(store.sink(0, 1), [None, b"{}", b"no JSON", message(touchpoint())])
    send(store.sink(), [b"{}", TEN_MEGABYTES], 1)
    return DeadLetterOffice(store.url)


def offsets(messages: object) -> list[tuple[int, int]]:
    return [(one.partition, one.offset) for one in messages]  # type: ignore[attr-defined]  # a sequence of refused messages


def test_reasons_are_counted_most_frequent_first(office: DeadLetterOffice) -> None:
    """With how many were not sent again; equals by name."""
    (number, *_) = [one.number for one in office.newest(10) if one.reason == "missing_field"]
    office.mark_retried([number], LATER)
    assert office.count_by_reason() == [
        ReasonCount("missing_field", 2, 1),
        ReasonCount("empty", 1, 1),
        ReasonCount("invalid_json", 1, 1),
        ReasonCount("too_large", 1, 1),
    ]


def test_a_refused_message_is_kept_whole_however_large(office: DeadLetterOffice) -> None:
    """Ten megabytes of any bytes come back; a message without a value has none."""
    found = {(one.partition, one.offset): one for one in office.newest(10)}
    assert found[1, 1].payload == TEN_MEGABYTES
    assert found[0, 0].payload is None
    assert found[0, 1].payload == b"{}"
    assert {one.received_at for one in found.values()} == {NOW}
    assert {one.topic for one in found.values()} == {partition().topic}


def test_the_newest_come_first_and_may_be_of_one_reason(office: DeadLetterOffice) -> None:
    """As many as asked for."""
    assert offsets(office.newest(3)) == [(1, 1), (1, 0), (0, 2)]
    assert offsets(office.newest(3, "missing_field")) == [(1, 0), (0, 1)]
    assert office.newest(3, "no_such_reason") == []


def test_messages_are_shown_by_number(office: DeadLetterOffice) -> None:
    """In the order of the numbers; unknown numbers have none."""
    numbers = [one.number for one in office.newest(10)]
    assert [one.number for one in office.by_number([*numbers[:2], 10**9])] == sorted(numbers[:2])


def test_what_was_sent_again_is_not_sent_once_more(office: DeadLetterOffice) -> None:
    """Oldest first, of one reason or of all, until they are marked; a second marking says when it was last."""
    assert offsets(office.not_retried()) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    numbers = [one.number for one in office.not_retried("missing_field")]
    office.mark_retried(numbers, NOW)
    office.mark_retried(numbers, LATER)
    assert offsets(office.not_retried()) == [(0, 0), (0, 2), (1, 1)]
    assert {one.retried_at for one in office.by_number(numbers)} == {LATER}


def test_refusals_are_published_once_in_their_order(store: Store, office: DeadLetterOffice) -> None:
    """What has gone to the topic is not handed out again; sending a message again does not publish it again."""
    upkeep = store.upkeep()
    first = upkeep.unpublished_dead_letters(2)
    assert [(one.partition, one.offset, one.reason, one.payload) for one in first] == [
        (partition(0), 0, "empty", b""),
        (partition(0), 1, "missing_field", b"{}"),
    ]
    upkeep.mark_published([one.dead_letter_id for one in first], LATER)
    office.mark_retried([one.number for one in office.newest(10)], LATER)
    rest = upkeep.unpublished_dead_letters(10)
    assert [(one.partition.number, one.offset) for one in rest] == [(0, 2), (1, 0), (1, 1)]
    assert rest[-1].payload == TEN_MEGABYTES
    upkeep.mark_published([one.dead_letter_id for one in rest], LATER)
    assert upkeep.unpublished_dead_letters(10) == []
    assert store.ask("SELECT DISTINCT published_at FROM dead_letter") == [(LATER,)]


def test_an_office_without_a_database_is_unavailable() -> None:
    """The error is the one that commands know how to tell."""
    with pytest.raises(StoreUnavailableError):
        DeadLetterOffice("postgresql://voc@127.0.0.1:1/voc").count_by_reason()
