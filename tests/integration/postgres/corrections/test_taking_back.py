"""Retractions: the tables are those of the events that nothing takes out, whatever came first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest
from builders import (
    at,
    callback,
    complaint,
    customer,
    message,
    messages,
    repair_step,
    retraction,
    touchpoint,
)
from comparison import KEYS
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.crowd import crowd
from integration.postgres.intake.test_concurrent_batches import at_once
from integration.postgres.settings import in_one_database
from integration.postgres.store import (
    CATALOGUE,
    LOG,
    NOW,
    batch_of,
    partition,
    send,
    send_as_a_worker_does,
)
from oracle import outcomes

from voc_stream.pipeline.ports import StoredPosition, StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

    from voc_stream.pipeline.ports import BatchResult

COUNTED = ("accepted", "duplicate", "conflicting", "rejected", "retracted")
DERIVED = (
    "customer",
    "repair_order",
    "complaint",
    "churn_risk",
    "experience_cube",
    "pane",
    "rolling_satisfaction",
    "touchpoint_event",
)


def counts(result: BatchResult) -> tuple[int, ...]:
    """Accepted, duplicate, conflicting, rejected and retracted messages."""
    return tuple(getattr(result, outcome) for outcome in COUNTED)


def refresh(store: Store) -> None:
    """Take out what waits, and bring everything to NOW."""
    chores = store.chores()
    chores.take_back(NOW)
    chores.refresh(NOW)
    chores.assess_churn(NOW)


# A score of an event, or the events that a retraction names.
SENT = st.tuples(st.sampled_from("ab"), st.sampled_from([5, 7])) | st.lists(
    st.sampled_from("ab"), min_size=1, max_size=2
)
EVERYTHING: list[Event] = [
    customer("p-1", segment="g-1", region="n-1", annual_value=100),
    customer("p-2", change="churned", churn_reason="moved", occurred_at=at(days=1)),
    touchpoint("t-1", order_id="o-1", score=2),
    callback(
        "c-1",
        order_id="o-1",
        answers=[
            {"item": "overall", "score": 9, "expectation": 8},
            {"item": "advice_given", "done": True},
        ],
    ),
    complaint("k-1", order_id="o-1", compensation=10),
    complaint("k-2", action="resolved", occurred_at=at(hours=2)),
    repair_step("r-1"),
    repair_step(
        "r-2", edge="exit", occurred_at=at(minutes=30), promised_at=at(days=1), product="p-1"
    ),
    repair_step("r-3", stage="delivery", edge="exit", occurred_at=at(days=2), final_amount=12),
]


@pytest.mark.parametrize("before", [True, False], ids=["before the events", "after them"])
def test_what_is_taken_back_leaves_nothing_anywhere(store: Store, before: bool) -> None:
    """Every event of a customer, of every type.

    No row, no sum and no pane of it is left, only the ids and the reason.
    """
    gone = message(retraction("x-1", *(event["event_id"] for event in EVERYTHING)))
    values = messages(EVERYTHING)
    sink = store.sink(0)
    if before:
        assert counts(send(sink, [gone])) == (1, 0, 0, 0, 0)
        assert counts(send(sink, values)) == (0, 0, 0, 0, len(values))
    else:
        assert counts(send(sink, values)) == (len(values), 0, 0, 0, 0)
        refresh(store)
        assert all(store.one(f"SELECT count(*) FROM {table}") for table in DERIVED[:3])
        assert counts(send(sink, [gone])) == (1, 0, 0, 0, 0)
    refresh(store)
    assert {
        table: store.one(f"SELECT count(*) FROM {table}") for table in DERIVED
    } == dict.fromkeys(DERIVED, 0)
    store.assert_as_expected([*values, gone])
    assert store.ask("SELECT event_id, reason FROM retraction") == [("x-1", "a test")]
    assert store.one("SELECT count(*) FROM retracted_event") == len(EVERYTHING)


@pytest.mark.parametrize("event", EVERYTHING, ids=lambda event: event["event_id"])
def test_one_event_less_is_as_if_it_had_never_been(store: Store, event: Event) -> None:
    """Whatever it stated, latest, earliest or furthest, falls back to what the others say."""
    values = [*messages(EVERYTHING), message(retraction("x-1", event["event_id"]))]
    send(store.sink(0), values[:-1])
    refresh(store)
    send(store.sink(), values[-1:])
    refresh(store)
    store.assert_as_expected(values)


def test_no_repetition_brings_an_event_back(store: Store) -> None:
    """What comes again changes nothing.

    The log read again from its beginning; the same event, also with other content; the retraction.
    """
    log = [message(touchpoint("a")), message(retraction("x-1", "a")), message(touchpoint("b"))]
    sink = store.sink(0)
    assert counts(send(sink, log)) == (3, 0, 0, 0, 0)
    refresh(store)
    sink.start_at(partition(0), StoredPosition(LOG, 0), StoredPosition(LOG, 3))
    assert counts(send(store.sink(), log)) == (0, 2, 0, 0, 1)
    assert counts(
        send(store.sink(), [message(touchpoint("a", score=1)), message(touchpoint("a"))])
    ) == (0, 0, 0, 0, 2)
    refresh(store)
    store.assert_as_expected(log)
    assert store.one("SELECT count(*) FROM dead_letter") == 0
    assert store.one("SELECT count(*) FROM retraction_pending") == 0


def test_a_retraction_is_an_event_with_an_id_of_its_own(store: Store) -> None:
    """Again it is a repetition, with other ids a conflict that takes nothing out.

    Nothing takes a retraction back.
    """
    sink = store.sink(0)
    first, other = retraction("x-1", "a"), retraction("x-1", "b")
    assert counts(
        send(sink, messages([touchpoint("a"), touchpoint("b"), first, first, other]))
    ) == (3, 1, 1, 0, 0)
    assert counts(send(sink, messages([retraction("x-2", "x-1"), first]))) == (1, 1, 0, 0, 0)
    refresh(store)
    assert store.ask("SELECT event_id FROM touchpoint_event") == [("b",)]
    assert store.ask("SELECT event_id, retraction_id FROM retracted_event ORDER BY 1") == [
        ("a", "x-1"),
        ("x-1", "x-2"),
    ]
    assert store.ask('SELECT "offset", reason FROM dead_letter') == [(4, "conflicting_event")]


def test_the_earliest_of_several_retractions_is_remembered(store: Store) -> None:
    """In whatever order they come: the row depends on the set of retractions only."""
    late, early = (
        retraction("x-1", "a", "b", occurred_at=at(hours=2)),
        retraction("x-2", "a", occurred_at=at(hours=1)),
    )
    for order in ([late, early], [early, late]):
        store.clear()
        sink = store.sink(0)
        for each in order:
            send(sink, [message(each)])
        store.assert_as_expected(messages(order), names=["retracted_event", "retraction"])
    assert store.ask("SELECT event_id, retraction_id FROM retracted_event ORDER BY 1") == [
        ("a", "x-2"),
        ("b", "x-1"),
    ]


@settings(in_one_database, max_examples=20)
@given(st.data(), st.lists(SENT, min_size=1, max_size=10))
def test_batches_do_not_show_in_what_was_taken_back(
    store: Store, data: st.DataObject, sent: list[tuple[str, int] | list[str]]
) -> None:
    """However a log is cut into batches, each message has the same outcome.

    And whenever events are taken out.
    """
    store.clear()
    values = [
        message(
            touchpoint(one[0], score=one[1])
            if isinstance(one, tuple)
            else retraction(f"x-{number % 3}", *one)
        )
        for number, one in enumerate(sent)
    ]
    sink, chores, left, found = store.sink(0), store.chores(), list(values), [0] * len(COUNTED)
    while left:
        size = data.draw(st.integers(1, len(left)), "size")
        found = [
            before + count
            for before, count in zip(found, counts(send(sink, left[:size])), strict=True)
        ]
        left = left[size:]
        if data.draw(st.booleans(), "take out"):
            chores.take_back(NOW)
    expected = outcomes(values, CATALOGUE, NOW)
    assert found == [expected.count(outcome) for outcome in COUNTED]
    chores.take_back(NOW)
    store.assert_as_expected(
        values,
        names=["touchpoint_event", "retraction", "retracted_event", "experience_daily", "customer"],
    )


def test_a_row_that_is_gone_is_not_brought_back_by_a_worker_that_has_it_at_hand(
    store: Store,
) -> None:
    """The next event of an order whose events were all taken out begins a new row."""
    sink = store.sink(0)
    values = messages(
        [
            repair_step("r-1", promised_at=at(days=1)),
            retraction("x-1", "r-1"),
            repair_step("r-2", edge="exit"),
        ]
    )
    send(sink, values[:1])
    send(store.sink(), values[1:2])
    refresh(store)
    assert store.one("SELECT count(*) FROM repair_order") == 0
    send(sink, values[2:])
    refresh(store)
    store.assert_as_expected(values)


def test_two_workers_never_miss_each_other(store: Store) -> None:
    """One takes events in while the other reads their retractions.

    Whoever commits first, none of them stays.
    """
    events = messages(crowd(120))
    named = [
        message(retraction(f"x-{number}", f"x-1-{number}", f"x-1-{number + 60}"))
        for number in range(0, 60, 2)
    ]
    sinks, chores = [store.sink(0), store.sink(1)], store.chores()

    def taking_back() -> None:
        send_as_a_worker_does(
            sinks[1], [named[first : first + 3] for first in range(0, len(named), 3)], 1
        )
        for _ in range(10):
            chores.take_back(NOW)

    at_once(
        lambda: send_as_a_worker_does(
            sinks[0], [events[first : first + 10] for first in range(0, 120, 10)], 0
        ),
        taking_back,
    )
    refresh(store)
    store.assert_as_expected([*events, *named])


def test_what_waits_is_shown(store: Store) -> None:
    """How many named events are still to be taken out, as a gauge.

    Where none is, there is no sample.
    """
    send(
        store.sink(0),
        messages([touchpoint("a"), retraction("x-1", "a", "b"), retraction("x-2", "c")]),
    )
    chores = store.chores()
    shown = [
        {reading.metric: reading.value for reading in chores.gauges(NOW)}.get(
            "voc_retractions_pending"
        )
    ]
    chores.take_back(NOW)
    shown.append(
        {reading.metric: reading.value for reading in chores.gauges(NOW)}.get(
            "voc_retractions_pending"
        )
    )
    assert shown == [3, None]


def test_rebuild_gives_the_same(store: Store) -> None:
    """It takes out first what still waits, and then finds nothing that differs."""
    values = [
        *messages(crowd(80)),
        *(message(retraction(f"y-{number}", f"x-1-{number}")) for number in range(0, 80, 3)),
    ]
    send(store.sink(0), values)
    chores = store.chores()
    chores.refresh(NOW)
    chores.assess_churn(NOW)
    report = rebuild(store.url, store.catalogue, lambda _done, _of: None)
    assert (report.events, report.differing) == (80 - 27, 0)
    # Not the risks, which it assesses as of now.
    store.assert_as_expected(values, names=[name for name in KEYS if name != "churn_risk"])


def test_events_of_the_same_transaction_are_found(store: Store) -> None:
    """A retraction in one partition and its event in the other, in both orders.

    They are handed over together.
    """
    sink = store.sink(0, 1)
    for low, high in (
        (touchpoint("a"), retraction("x-1", "a")),
        (retraction("x-2", "b"), touchpoint("b")),
    ):
        batches = [
            batch_of(sink, [message(event)], number) for number, event in enumerate((low, high))
        ]
        sink.process(batches, NOW)
    refresh(store)
    assert store.one("SELECT count(*) FROM touchpoint_event") == 0


def test_what_cannot_be_taken_out_holds_up_no_other(store: Store) -> None:
    """As where a trigger of others keeps an event.

    Those behind it go, and it is tried again and again, so it goes as soon as it may.
    """
    store.ask(
        "CREATE FUNCTION voc.added() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF OLD.event_id = 'kept' THEN RAISE EXCEPTION 'kept for ever'; END IF; RETURN"
        " OLD; END $$;"
        "CREATE TRIGGER added BEFORE DELETE ON touchpoint_event FOR EACH ROW EXECUTE FUNCTION"
        " voc.added()"
    )
    values = messages([touchpoint("kept"), touchpoint("a"), touchpoint("b")])
    values += messages(
        retraction(f"x-{place}", name) for place, name in enumerate(("kept", "a", "b"))
    )
    chores = store.chores()
    try:
        send(store.sink(0), values)
        for _ in range(2):
            with pytest.raises(psycopg2.Error, match="kept for ever"):
                chores.take_back(NOW)
        assert store.ask("SELECT event_id FROM touchpoint_event") == [("kept",)]
        with pytest.raises(
            StoreUnavailableError, match="kept for ever"
        ):  # which a command tells in a sentence
            rebuild(store.url, store.catalogue, lambda _done, _of: None)
    finally:
        store.ask("DROP FUNCTION voc.added() CASCADE")
    chores.take_back(NOW)
    refresh(store)
    store.assert_as_expected(values)
