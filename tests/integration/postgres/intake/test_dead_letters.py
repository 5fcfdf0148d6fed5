from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from builders import message, touchpoint
from integration.postgres.store import NOW, Store, partition, send
from psycopg2 import extras

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.chores import postgres_chores
from voc_stream.postgres.intake import dead_letters
from voc_stream.postgres.intake.dead_letters import DeadLetterOffice, ReasonCount

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
    found = {
        (one.partition, one.offset): one
        for one in office.by_number([one.number for one in office.newest(10)])
    }
    assert found[1, 1].payload == TEN_MEGABYTES
    assert found[0, 0].payload is None
    assert found[0, 1].payload == b"{}"
    assert {one.received_at for one in found.values()} == {NOW}
    assert {one.topic for one in found.values()} == {partition().topic}


def test_the_newest_come_first_and_may_be_of_one_reason(office: DeadLetterOffice) -> None:
    """As many as asked for."""
    assert offsets(office.newest(3)) == [(1, 1), (1, 0), (0, 2)]
    assert offsets(office.newest(3, before=office.newest(3)[-1].number)) == [(0, 1), (0, 0)]
    assert offsets(office.newest(3, "missing_field")) == [(1, 0), (0, 1)]
    assert office.newest(3, "no_such_reason") == []


def test_messages_are_shown_by_number(office: DeadLetterOffice) -> None:
    """In the order of the numbers; unknown numbers have none."""
    numbers = [one.number for one in office.newest(10)]
    assert [one.number for one in office.by_number([*numbers[:2], 10**9])] == sorted(numbers[:2])


def test_what_was_sent_again_is_not_sent_once_more(office: DeadLetterOffice) -> None:
    """Oldest first, of one reason or of all, until they are marked.

    A second marking says when it was last.
    """
    assert offsets(office.not_retried()) == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
    ]  # the next one is large: a page of its own
    numbers = [one.number for one in office.not_retried("missing_field")]
    office.mark_retried(numbers, NOW)
    office.mark_retried(numbers, LATER)
    assert offsets(office.not_retried()) == [(0, 0), (0, 2)]
    assert {one.retried_at for one in office.by_number(numbers)} == {LATER}


def test_pages_are_bounded_and_end_where_they_began(
    store: Store, office: DeadLetterOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of a million of them fit into no memory.

    What is refused again meanwhile is another round's.
    """
    newest = office.newest_number()
    send(store.sink(), [b"refused again"], 1)
    found, after = [], 0
    while page := office.not_retried(after=after, up_to=newest):
        found.append(offsets(page))
        after = page[-1].number
    assert found == [
        [(0, 0), (0, 1), (0, 2), (1, 0)],
        [(1, 1)],
    ]  # the last one alone is ten megabytes
    monkeypatch.setattr(dead_letters, "RETRIED_ROWS", 2)
    assert offsets(office.not_retried(after=newest - 1)) == [(1, 1)]
    assert len(office.not_retried()) == 2


def test_many_refusals_are_a_few_statements(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One each made a flood of rubbish a hundred times slower than the stream."""
    statements = []
    execute = extras.execute_values

    def counted(cursor: Any, statement: str, *given: Any, **options: Any) -> None:
        statements.append(statement)
        execute(cursor, statement, *given, **options)

    monkeypatch.setattr(dead_letters, "execute_values", counted)
    send(store.sink(0), [b"rubbish %d" % number for number in range(1_200)])
    assert len(statements) == 3
    assert (
        store.one("SELECT count(*) FROM dead_letter")
        == store.one("SELECT count(*) FROM outbox")
        == 1_200
    )
    rows = store.ask('SELECT "offset", payload FROM dead_letter ORDER BY dead_letter_id')
    assert [(offset, bytes(payload)) for offset, payload in rows] == [
        (number, b"rubbish %d" % number) for number in range(1_200)
    ]


def test_the_log_read_again_makes_no_second_letter(store: Store) -> None:
    """Neither in the table nor in the outbox."""
    send(store.sink(0), [b"rubbish"])
    store.ask("UPDATE stream_position SET next_offset = 0")
    send(store.sink(), [b"rubbish", b"more"])
    assert store.ask('SELECT "offset" FROM dead_letter ORDER BY 1') == [(0,), (1,)]
    assert store.one("SELECT count(*) FROM outbox") == 2


def test_old_letters_are_deleted_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those received before the moment go, with their place in the outbox, and no others."""
    monkeypatch.setattr(postgres_chores, "LETTERS_A_TIME", 4)
    send(store.sink(0), [b"old"] * 10)
    send(store.sink(), [b"new"] * 3, now=LATER)
    assert store.chores().delete_dead_letters(NOW) == 0
    assert store.chores().delete_dead_letters(LATER) == 10
    assert (
        store.one("SELECT count(*) FROM dead_letter")
        == store.one("SELECT count(*) FROM outbox")
        == 3
    )


def test_an_office_without_a_database_is_unavailable() -> None:
    """The error is the one that commands know how to tell."""
    with pytest.raises(StoreUnavailableError):
        DeadLetterOffice("postgresql://voc@127.0.0.1:1/voc").count_by_reason()
