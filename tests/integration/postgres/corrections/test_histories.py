"""A late segment or region moves what was counted before.

In pieces, beside the stream, and exactly.
"""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from builders import (
    START,
    at,
    callback,
    complaint,
    customer,
    event_lists,
    messages,
    repair_step,
    touchpoint,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW, Store, send, wait_until
from integration.postgres.waiting import waiting

from voc_stream.domain.folding.history import move_events
from voc_stream.postgres.chores import move_histories
from voc_stream.postgres.corrections import histories, set_aside
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.intake import stored_events
from voc_stream.postgres.intake.versioned_rows import EntityStore
from voc_stream.postgres.session.background import Background

if TYPE_CHECKING:
    from builders import Event

    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.measures.of_event import EventMeasures
    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.chores.postgres_chores import PostgresChores

DERIVED = ["repair_order", "customer", "experience_daily", "rolling_satisfaction"]


def told(count: int, prefix: str = "t") -> list[Event]:
    """So many scores, and half as many orders, of one customer."""
    scores = [
        touchpoint(f"{prefix}-{n:03}", score=n % 11, occurred_at=at(minutes=n))
        for n in range(count)
    ]
    return scores + [
        repair_step(
            f"{prefix}-r-{n:03}",
            order_id=f"{prefix}-o-{n:03}",
            stage="delivery",
            edge="exit",
            occurred_at=at(minutes=n),
        )
        for n in range(count // 2)
    ]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call moves one piece of at most three rows."""
    monkeypatch.setattr(histories, "ROWS_A_PIECE", 3)
    monkeypatch.setattr(histories.move_some, "__defaults__", (3,))
    monkeypatch.setattr(move_histories, "MOVING_SECONDS", 0.0)


def move_a_piece(store: Store, chores: PostgresChores) -> int:
    """One piece; how many histories are still under way."""
    chores.move_histories.some()
    return int(store.one("SELECT count(*) FROM customer_move"))


def test_the_batch_itself_moves_nothing(store: Store) -> None:
    """What one profile costs in its batch does not depend on what the customer said before.

    It only queues the customer.
    """
    sink = store.sink()
    send(sink, messages(told(20)))
    before = len(waiting(store))
    send(sink, messages([customer(segment="gold")]))
    assert len(waiting(store)) == before
    assert store.ask("SELECT * FROM customer_move") == [("u-1",)]


def test_a_customer_without_a_history_is_not_queued(store: Store) -> None:
    """A first profile moves nothing, even if the same batch has scores."""
    values = messages([customer(segment="gold"), *told(4)])
    send(store.sink(), values)
    assert store.ask("SELECT * FROM customer_move") == []
    store.assert_as_expected(values, names=["experience_daily"])


@pytest.mark.usefixtures("small_pieces")
def test_pieces_are_bounded_and_end_in_the_oracles_tables(store: Store) -> None:
    """Each piece moves a few rows.

    After the last one nothing is queued, and nothing tells that there was a move.
    """
    log = [*told(10), customer(segment="gold", region="north")]
    sink, chores = store.sink(), store.chores()
    for value in messages(log):
        send(sink, [value])
    pieces, before = 1, len(waiting(store))
    while move_a_piece(store, chores):
        pieces += 1
        after = len(waiting(store))
        assert (
            after - before <= 2 * 3 * 5
        )  # three rows, each taken back and added, an order with up to five timings
        before = after
    assert (
        pieces == 10 // 3 + 1 + 5 // 3 + 1 - 1
    )  # the last piece of events also begins with the orders
    chores.refresh(NOW)
    store.assert_as_expected(messages(log), names=DERIVED)
    assert "move" not in store.one(
        "SELECT fold_state::text FROM customer WHERE customer_id = 'u-1'"
    )


@pytest.mark.usefixtures("small_pieces")
def test_complaints_follow_in_pieces_of_their_own(store: Store) -> None:
    """After the orders come the complaints, a few at a time. Only those of the customer move."""
    told_of = [
        complaint(
            f"k-{n}-{action}",
            complaint_id=f"q-{n}",
            customer_id="u-2" if n == 4 else "u-1",
            action=action,
            occurred_at=at(hours=n + hours),
        )
        for n in range(8)
        for action, hours in (("opened", 0), ("acknowledged", 1), ("resolved", 2))
    ]
    log = [*told(2), *told_of, customer(segment="gold")]
    sink, chores = store.sink(), store.chores()
    for value in messages(log):
        send(sink, [value])
    of_gold = "SELECT count(*) FROM complaint WHERE fold_state::json->'profile'->>0 = 'gold'"
    moved, goes_on = [store.one(of_gold)], 1
    while goes_on:
        goes_on = move_a_piece(store, chores)
        moved.append(store.one(of_gold))
    pieces = [after - before for before, after in pairwise(moved) if after != before]
    assert pieces == [3, 3, 1]
    chores.refresh(NOW)
    store.assert_as_expected(messages(log), names=DERIVED)


@settings(in_one_database, max_examples=8)
@given(st.data(), event_lists(24))
def test_whatever_happens_while_a_history_is_half_moved(
    store: Store, data: st.DataObject, events: list[Event]
) -> None:
    """Events, late profiles and further moves between any pieces, by two workers with rows at hand.

    At rest the tables are the oracle's.
    """
    store.clear()
    profiles = [
        customer(
            f"p-{n}", customer_id=f"u-{n % 2 + 1}", segment=segment, occurred_at=at(minutes=minutes)
        )
        for n, (segment, minutes) in enumerate(
            data.draw(
                st.lists(
                    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 9)), max_size=6
                ),
                "profiles",
            )
        )
    ]
    known = {event["event_id"] for event in profiles}
    log = data.draw(
        st.permutations(
            [*(event for event in events if event["event_id"] not in known), *profiles]
        ),
        "log",
    )
    sinks, chores = [store.sink(0), store.sink(1)], store.chores()
    background = Background()
    try:
        for number, value in enumerate(messages(log)):
            send(sinks[number % 2], [value], number % 2)
            for _ in range(data.draw(st.integers(0, 2), "pieces")):
                with chores.transaction() as cursor:
                    histories.move_some(cursor, EntityStore(0), background, store.catalogue, rows=2)
    finally:
        background.close()
    chores.refresh(NOW)
    store.assert_as_expected(messages(log), names=DERIVED)
    assert store.ask("SELECT * FROM customer_move") == []


@pytest.mark.usefixtures("small_pieces")
def test_a_piece_that_fails_leaves_no_trace(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies in the middle of a piece has moved nothing.

    The next one begins where the last piece ended.
    """
    log = [*told(6), customer(segment="gold")]
    sink, chores = store.sink(), store.chores()
    for value in messages(log):
        send(sink, [value])
    move_a_piece(store, chores)
    state = store.ask("SELECT version, fold_state::text FROM customer")
    queued = len(waiting(store))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(histories, "insert_increment", dies)
        with pytest.raises(KeyboardInterrupt):
            chores.move_histories.some()
    assert store.ask("SELECT version, fold_state::text FROM customer") == state
    assert len(waiting(store)) == queued
    store.chores().refresh(NOW)
    store.assert_as_expected(messages(log), names=DERIVED)


@pytest.mark.usefixtures("small_pieces")
def test_rebuild_finds_no_difference_while_a_history_is_half_moved(store: Store) -> None:
    """It lets the rest be moved first, and what it folds anew is not moved at all."""
    log = [
        *told(10),
        customer(segment="silver"),
        customer("p-2", segment="gold", occurred_at=at(hours=1)),
    ]
    sink, chores = store.sink(), store.chores()
    chores.refresh(START)
    for value in messages(log):
        send(sink, [value])
    assert move_a_piece(store, chores) == 1
    assert rebuild(store.url, store.catalogue, lambda _done, _of: None).differing == 0
    assert store.ask("SELECT * FROM customer_move") == []
    wait_until(
        lambda: chores.refresh(NOW)
    )  # the server lets go of the locks of a session a little after its end
    store.assert_as_expected(messages(log), names=DERIVED)


def test_a_batch_and_a_piece_at_the_same_moment_agree(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch whose customer is being moved waits for the piece.

    It counts its event as the piece has left it.
    """
    first, late = told(8), touchpoint("t-003-late", score=1)
    sink, other = store.sink(0), store.sink(1)
    send(sink, messages([*first]))
    send(sink, messages([customer(segment="gold")]))
    reading, goes_on = threading.Event(), threading.Event()
    read = stored_events.scored_events_after

    def slow(*arguments: object) -> object:
        reading.set()
        assert goes_on.wait(10)
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(histories, "scored_events_after", slow)
    chores = store.chores()
    mover = threading.Thread(target=chores.move_histories)
    mover.start()
    assert reading.wait(10)
    writer = threading.Thread(target=send, args=(other, messages([late]), 1))
    writer.start()
    writer.join(0.3)
    goes_on.set()
    mover.join(20)
    writer.join(20)
    monkeypatch.undo()
    chores.refresh(NOW)
    store.assert_as_expected(messages([*first, customer(segment="gold"), late]), names=DERIVED)


def test_large_events_do_not_fill_the_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece ends after its time, also in the middle of a page.

    What it did not read is left for the next.
    """
    monkeypatch.setattr(histories, "SECONDS_A_PIECE", -1.0)
    log = [
        callback(f"c-{n}", answers=[{"item": "overall", "score": n}], occurred_at=at(minutes=n))
        for n in range(5)
    ]
    sink, chores = store.sink(), store.chores()
    send(sink, messages(log))
    send(sink, messages([customer(segment="gold", occurred_at=at(hours=1))]))
    chores.move_histories.some()
    assert store.one("SELECT fold_state::json -> 'move' ->> 2 FROM customer") == "c-0"
    chores.refresh(NOW)
    store.assert_as_expected(
        messages([*log, customer(segment="gold", occurred_at=at(hours=1))]), names=DERIVED
    )


def test_whose_history_cannot_be_moved_holds_up_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a trigger of others keeps a row: it is named once and each failure counts.

    It is done as soon as it may be.
    """
    log = [touchpoint(f"t-{n}", customer_id=f"u-{n}", score=n % 11) for n in range(20)]
    log += [
        customer(f"p-{n}", customer_id=f"u-{n}", segment="gold", occurred_at=at(hours=1))
        for n in range(20)
    ]
    send(store.sink(), messages(log[:20]))
    send(store.sink(), messages(log[20:]))
    chores = store.chores()
    store.ask(
        "CREATE FUNCTION voc.added() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.customer_id = 'u-7' THEN RAISE EXCEPTION 'kept for ever'; END IF; RETURN"
        " NEW; END $$;"
        "CREATE TRIGGER added BEFORE UPDATE ON customer_state FOR EACH ROW"
        " EXECUTE FUNCTION voc.added()"
    )
    try:
        with pytest.raises(set_aside.CustomersFailedError, match=r"'u-7' \(.*kept for ever"):
            chores.move_histories()
        assert store.ask("SELECT * FROM customer_move") == [("u-7",)]
        assert chores.move_histories() == 0
        monkeypatch.setattr(set_aside, "REST_SECONDS", 0.0)
        chores.move_histories.aside._again_at["u-7"] = 0.0
        with pytest.raises(set_aside.CustomersFailedError, match="kept for ever"):
            chores.move_histories()
    finally:
        store.ask("DROP FUNCTION voc.added() CASCADE")
    chores.move_histories()
    assert sum("'u-7'" in record.getMessage() for record in caplog.records) == 1
    chores.refresh(NOW)
    store.assert_as_expected(messages(log), names=DERIVED)
    assert store.ask("SELECT * FROM customer_move") == []


def test_a_fold_that_fails_holds_up_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where our own arithmetic fails with one customer."""
    log = [touchpoint(f"t-{n}", customer_id=f"u-{n}") for n in range(5)]
    log += [
        customer(f"p-{n}", customer_id=f"u-{n}", segment="gold", occurred_at=at(hours=1))
        for n in range(5)
    ]
    send(store.sink(), messages(log[:5]))
    send(store.sink(), messages(log[5:]))
    chores = store.chores()

    def fails(
        one: CustomerState, events: list[AnyEvent], declared: EventMeasures, *, are_last: bool
    ) -> list[Contribution]:
        if one.customer_id == "u-3":
            raise ZeroDivisionError
        return move_events(one, events, declared, are_last=are_last)

    with monkeypatch.context() as patched:
        patched.setattr(histories, "move_events", fails)
        with pytest.raises(set_aside.CustomersFailedError, match=r"'u-3' \(ZeroDivisionError"):
            chores.move_histories()
    assert store.ask("SELECT * FROM customer_move") == [("u-3",)]
    store.chores().refresh(NOW)
    store.assert_as_expected(messages(log), names=DERIVED)
