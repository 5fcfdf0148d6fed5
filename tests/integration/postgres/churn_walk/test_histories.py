from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from builders import START, at, complaint, customer, event_lists, messages, retraction, touchpoint
from histories import assert_histories_are_right
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.crowd import crowd
from integration.postgres.settings import in_one_database
from integration.postgres.store import CATALOGUE, NOW, send

from voc_stream.postgres.chores import walk_customers
from voc_stream.postgres.churn_walk import queue, related_events
from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

LATER = NOW + timedelta(days=1200)


@settings(in_one_database, max_examples=25)
@given(st.lists(event_lists(6), min_size=1, max_size=4), st.sampled_from([NOW, LATER]))
def test_histories_are_those_of_the_oracle_after_each_batch(
    store: Store, rounds: list[list[Event]], as_of: datetime
) -> None:
    """However late an event comes, history becomes what it would have been."""
    store.clear()
    sink, chores = store.sink(0), store.chores()
    values: list[bytes] = []
    for number, events in enumerate(rounds):
        arrived = messages(
            {**event, "event_id": f"{number}-{event['event_id']}"} for event in events
        )
        if arrived:
            send(sink, arrived)
        values += arrived
        chores.walk_customers(as_of, everything=True)
        assert_histories_are_right(store.url, values, CATALOGUE, as_of)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_repeated_and_taken_back(store: Store, seed: int) -> None:
    """People share orders and complaints here, leave and come back: all stays exact."""
    left = [
        customer(f"l-{seed}-{n}", customer_id=f"u-{n}", change=change, occurred_at=at(days=days))
        for n, (change, days) in enumerate([("churned", 9), ("churned", 21), ("won_back", 12)])
    ]
    left.append(customer("l-4", customer_id="u-0", change="won_back", occurred_at=at(days=17)))
    values = messages([*crowd(150, seed), *left])
    Random(seed).shuffle(values)
    sink, chores = store.sink(0), store.chores()
    for first in range(0, len(values), 60):
        send(sink, values[first : first + 60])
        chores.walk_customers(NOW, everything=True)
    send(sink, values[:30])
    gone = messages([retraction("r-1", *[f"x-{seed}-{n}" for n in range(0, 150, 4)])])
    send(sink, gone)
    chores.take_back(NOW)
    chores.walk_customers(LATER, everything=True)
    assert store.one("SELECT count(*) FROM touchpoint_event") == 116
    assert_histories_are_right(store.url, [*values, *gone], CATALOGUE, LATER)
    assert store.one("SELECT count(*) FROM churn_history WHERE has_left") > 0


def test_a_profile_that_names_an_order_is_not_about_it(store: Store) -> None:
    """It changes nothing of what the order's customer did, and names no row of that history."""
    sink, chores = store.sink(0), store.chores()
    values = messages([touchpoint("t-1", order_id="o-1")])
    send(sink, values)
    chores.walk_customers(NOW, everything=True)
    values += messages([customer("z-9", customer_id="u-2", order_id="o-1", segment="g-1")])
    send(sink, values[-1:])
    chores.walk_customers(NOW, everything=True)
    assert_histories_are_right(store.url, values, CATALOGUE, NOW)


def test_a_long_queue_is_taken_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many batches wait, a transaction takes some of them, and all have their turn."""
    monkeypatch.setattr(queue, "CUSTOMERS_MOVED_A_TIME", 1)
    monkeypatch.setattr(walk_customers, "CUSTOMERS_A_TIME", 1)
    sink, chores = store.sink(0), store.chores()
    values = messages(crowd(40, 3))
    for value in values:
        send(sink, [value])
    chores.walk_customers(NOW)
    assert store.one("SELECT count(*) FROM walk_pending") == 0
    assert_histories_are_right(store.url, values, CATALOGUE, NOW)


def test_time_alone_goes_on_with_a_history(store: Store) -> None:
    """Walked through again and again, it is the same as walked through once."""
    values = messages([complaint(severity="major"), touchpoint("t-2", customer_id="u-2")])
    send(store.sink(), values)
    chores = store.chores()
    walked = []
    for hours in (0, 6, 7, 12, 24, 24 * 181, 24 * 1200, 24 * 1201):
        as_of = START + timedelta(hours=hours)
        walked.append(chores.walk_customers(as_of, everything=True))
        assert_histories_are_right(store.url, values, CATALOGUE, as_of)
    assert walked == [2, 1, 0, 1, 1, 2, 2, 0]


def test_what_happens_on_the_last_day_is_no_cause(store: Store) -> None:
    """A complaint with which a customer leaves does not count as why; a day earlier it does."""
    values = messages(
        [
            touchpoint("t-1", occurred_at=at(days=0)),
            complaint("k-1", occurred_at=at(days=9, minutes=60)),
            customer("c-1", change="churned", occurred_at=at(days=10)),
            touchpoint("t-2", customer_id="u-2", occurred_at=at(days=0)),
            complaint("k-2", customer_id="u-2", occurred_at=at(days=3), complaint_id="q-2"),
            customer("c-2", customer_id="u-2", change="churned", occurred_at=at(days=10)),
        ]
    )
    send(store.sink(), values)
    store.chores().walk_customers(NOW, everything=True)
    assert_histories_are_right(store.url, values, CATALOGUE, NOW)
    day = 86_400_000_000
    cells = store.ask(
        "SELECT signals <> 0, sum(microseconds)::bigint, sum(leavers)::int FROM churn_cell"
        " GROUP BY 1 ORDER BY 1"
    )
    assert cells == [(False, 12 * day, 1), (True, 6 * day, 1)]


def test_who_has_too_many_events_has_no_history(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else waits for them, and once they have fewer they have one."""
    monkeypatch.setattr(related_events, "MOST_EVENTS", 3)
    events = [touchpoint(f"t-{n}", occurred_at=at(days=n)) for n in range(4)]
    other = touchpoint("o-1", customer_id="u-2")
    sink, chores = store.sink(0), store.chores()
    send(sink, messages([*events, other]))
    chores.walk_customers(NOW, everything=True)
    assert store.ask("SELECT DISTINCT customer_id FROM churn_history") == [("u-2",)]
    assert store.ask("SELECT customer_id, is_walked FROM churn_walk ORDER BY 1") == [
        ("u-1", False),
        ("u-2", True),
    ]
    values = messages([*events, other, retraction("r-1", "t-3")])
    send(sink, values[-1:])
    chores.take_back(NOW)
    chores.walk_customers(NOW, everything=True)
    assert_histories_are_right(store.url, values, CATALOGUE, NOW)


def test_the_last_row_says_what_the_risk_says(store: Store) -> None:
    """The history ends with the present."""
    send(store.sink(), messages(crowd(200, 5)))
    chores = store.chores()
    chores.assess_churn(LATER, everyone=True)
    chores.walk_customers(LATER, everything=True)
    differing = (
        "SELECT count(*), count(*) FILTER (WHERE (r.band, r.drivers, r.model_version, r.risk)"
        " IS DISTINCT FROM (h.band, h.drivers, h.model_version, h.risk)) FROM churn_risk r"
        " FULL JOIN (SELECT * FROM churn_history WHERE until IS NULL) h USING (customer_id)"
    )
    assert store.ask(differing) == [(5, 0)]


FIRST = "WHERE ctid = (SELECT min(ctid) FROM {})"


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("churn_history", f"UPDATE churn_history SET band = 'none' {FIRST}"),
        ("churn_history", f"DELETE FROM churn_history {FIRST}"),
        ("churn_cell", f"UPDATE churn_cell SET leavers = leavers + 1 {FIRST}"),
    ],
)
def test_rebuild_finds_and_repairs_what_differs(store: Store, table: str, statement: str) -> None:
    """Histories and cells are recomputed and compared, like all else that events say."""
    values, now = messages(crowd(60, 7)), datetime.now(UTC)
    send(store.sink(), values)
    chores = store.chores()
    chores.refresh(now)
    chores.assess_churn(now, everyone=True)
    store.ask(statement.format(table))
    report = rebuild(store.url, store.catalogue, lambda _done, _all: None)
    found = {one.table: one.differing for one in report.tables}
    assert found[table] == 1, found
    assert_histories_are_right(store.url, values, CATALOGUE, now)
