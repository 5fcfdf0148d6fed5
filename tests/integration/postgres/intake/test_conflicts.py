"""The same event_id with other content.

The first one counts, and the others are dead letters that say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import message, messages, touchpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.settings import in_one_database
from integration.postgres.store import CATALOGUE, LOG, NOW, batch_of, partition, send
from oracle import outcomes

from voc_stream.pipeline.ports import StoredPosition

if TYPE_CHECKING:
    from integration.postgres.store import Store

    from voc_stream.pipeline.ports import BatchResult

COUNTED = ("accepted", "duplicate", "conflicting", "rejected")
FIRST = (
    b'{"event_id":"a","type":"touchpoint","occurred_at":"2025-03-01T08:00:00Z",'
    b'"customer_id":"u-1","site_id":"s-1",'
)
SCORED = b'"experience":"overall","score":7,"more":{"b":[1.50,true],"a":"\xc3\xa9"}}'


def counts(result: BatchResult) -> tuple[int, ...]:
    """Accepted, duplicate, conflicting and rejected messages."""
    return tuple(getattr(result, outcome) for outcome in COUNTED)


@pytest.mark.parametrize(
    "again",
    [
        FIRST + b'"score":7.0,"experience":"overall","more":{"a":"\xc3\xa9","b":[1.5,true]}}',
        FIRST
        + b'\n "experience" : "overall",\t"score":70e-1,"more":{"b":[1.5, true],"a":"\\u00e9"}}',
        FIRST
        + b'"experience":"overall","score":1,"score":7,"more":{"b":[1.5,true],"a":"\xc3\xa9"}}',
    ],
    ids=["order of keys", "white space and spelling", "a key twice, of which the last counts"],
)
def test_the_same_content_in_other_bytes_is_a_repetition(store: Store, again: bytes) -> None:
    """Order of keys, white space and the spelling of numbers and characters say nothing.

    The JSON values are the same.
    """
    sink = store.sink(0)
    assert counts(send(sink, [FIRST + SCORED, again])) == (1, 1, 0, 0)
    assert counts(send(sink, [again])) == (0, 1, 0, 0)
    assert store.one("SELECT count(*) FROM dead_letter") == 0


@pytest.mark.parametrize(
    "other",
    [
        FIRST + SCORED.replace(b"7", b"8"),
        FIRST + SCORED.replace(b"true", b"1"),
        FIRST + SCORED.replace(b"1.50", b"1.500000000000000000000000000001"),
        FIRST + SCORED.replace(b'"more"', b'"text":null,"more"'),
        FIRST.replace(b"08:00:00Z", b"08:00:00+00:00") + SCORED,
    ],
    ids=[
        "a score",
        "an unknown field",
        "a tiny difference",
        "a null",
        "another spelling of a time",
    ],
)
def test_other_content_is_a_conflict(store: Store, other: bytes) -> None:
    """Any JSON value that differs, known here or not, in the same batch or later.

    The first stays as it is.
    """
    sink = store.sink(0)
    assert counts(send(sink, [FIRST + SCORED, other, FIRST + SCORED])) == (1, 1, 1, 0)
    assert counts(send(sink, [other])) == (0, 0, 1, 0)
    letters = store.ask(
        'SELECT "offset", reason, detail, payload FROM dead_letter ORDER BY dead_letter_id'
    )
    assert [(offset, reason, bytes(payload)) for offset, reason, _, payload in letters] == [
        (1, "conflicting_event", other),
        (3, "conflicting_event", other),
    ]
    assert all(
        "test.events[0] at offset 0" in detail and "new id" in detail for _, _, detail, _ in letters
    )
    store.assert_as_expected([FIRST + SCORED], names=["touchpoint_event", "customer"])


def test_a_log_that_is_read_again_repeats_its_conflicts(store: Store) -> None:
    """After a restart from the beginning nothing that counted becomes a conflict.

    Each conflict stays one dead letter.
    """
    sink, values = (
        store.sink(0),
        messages([touchpoint("a", score=1), touchpoint("b"), touchpoint("a", score=2)]),
    )
    send(sink, values)
    sink.start_at(partition(0), StoredPosition(LOG, 0), StoredPosition(LOG, 3))
    assert counts(send(store.sink(), values)) == (0, 2, 1, 0)
    assert store.ask('SELECT "offset" FROM dead_letter') == [(2,)]


def test_the_first_of_two_partitions_counts(store: Store) -> None:
    """Of two that come in one transaction, the first is that of the lower partition.

    In whatever order they are handed over.
    """
    sink = store.sink(0, 1)
    low, high = (
        batch_of(sink, messages([touchpoint("a", score=score)]), number)
        for number, score in ((0, 1), (1, 2))
    )
    results = sink.process([high, low], NOW)
    assert [counts(result) for result in results] == [(0, 0, 1, 0), (1, 0, 0, 0)]


@settings(in_one_database, max_examples=20)
@given(
    st.data(),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([5, 7])), min_size=1, max_size=12),
)
def test_batches_do_not_show_in_conflicts(
    store: Store, data: st.DataObject, sent: list[tuple[str, int]]
) -> None:
    """However a log is cut into batches, the same messages are accepted.

    So are the repetitions and the conflicts the same.
    """
    store.clear()
    values = [b"nothing", *(message(touchpoint(event_id, score=score)) for event_id, score in sent)]
    sink, left, found = store.sink(0), list(values), [0, 0, 0, 0]
    while left:
        size = data.draw(st.integers(1, len(left)), "size")
        found = [
            before + count
            for before, count in zip(found, counts(send(sink, left[:size])), strict=True)
        ]
        left = left[size:]
    expected = outcomes(values, CATALOGUE, NOW)
    assert found == [expected.count(outcome) for outcome in COUNTED]
    refused = [offset for (offset,) in store.ask('SELECT "offset" FROM dead_letter ORDER BY 1')]
    assert refused == [
        place for place, outcome in enumerate(expected) if outcome in {"conflicting", "rejected"}
    ]
    store.assert_as_expected(values, names=["touchpoint_event"])
