from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
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
    retraction,
    touchpoint,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.crowd import crowd
from integration.postgres.settings import in_one_database
from integration.postgres.store import NOW, send

from voc_stream.postgres.chores import assess_churn
from voc_stream.postgres.corrections import set_aside
from voc_stream.postgres.rolling import churn_risk as churn
from voc_stream.postgres.session.locks import Lock

if TYPE_CHECKING:
    from builders import Event
    from integration.postgres.store import Store

STEPS = st.sampled_from(
    [
        timedelta(minutes=1),
        timedelta(hours=13),
        timedelta(hours=24),
        timedelta(days=5),
        timedelta(days=100),
    ]
)


@settings(in_one_database, max_examples=10)
@given(st.lists(st.tuples(event_lists(6), STEPS), min_size=2, max_size=6))
def test_risks_are_exact_at_every_assessment(
    store: Store, rounds: list[tuple[list[Event], timedelta]]
) -> None:
    """Whoever is touched by events, by another's events or by time alone is assessed again.

    All others still hold.
    """
    store.clear()
    sink, chores = store.sink(0), store.chores()
    values: list[bytes] = []
    as_of = START
    for number, (events, passed) in enumerate(rounds):
        arrived = messages(
            {**event, "event_id": f"{number}-{event['event_id']}"} for event in events
        )
        if arrived:
            send(sink, arrived, now=max(NOW, as_of))
        values += arrived
        as_of += passed
        chores.assess_churn(as_of)
        store.assert_as_expected(values, as_of, names=["churn_risk"])


def test_risk_moves_with_time_alone(store: Store) -> None:
    """An open complaint ages, then the customer falls silent.

    Between the moments of change nobody is assessed.
    """
    store.take_in(complaint(severity="major"))
    chores = store.chores()
    assessed, ages = [], []
    for hours in (0, 1, 6, 12, 13, 24, 25, 168, 180 * 24, 365 * 24, 9999):
        assessed.append(chores.assess_churn(START + timedelta(hours=hours)))
        ages.append(
            store.ask(
                "SELECT round(risk::numeric, 2)::text, drivers -> 2 ->> 'driver' FROM churn_risk"
            )[0]
        )
    assert assessed == [1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0]
    risks = ("0.46", "0.46", "0.55", "0.64", "0.64", "0.81", "0.81", "0.81")
    assert ages[:8] == [(risk, None) for risk in risks]
    assert [silence for _, silence in ages[8:]] == ["inactive_180d", *["inactive_365d"] * 2]


def test_a_risk_that_is_found_unchanged_is_not_written(store: Store) -> None:
    """Its row stays in place, unlocked, with the moment since which it says the same.

    What is looked at too late would be looked at again and again: then its next moment is written.
    """
    chores, sink = store.chores(), store.sink(0)
    row = "SELECT xmin::text, xmax::text, as_of FROM churn_risk WHERE customer_id = 'u-1'"
    send(sink, messages([touchpoint("t-1"), touchpoint("t-2", customer_id="u-2")]))
    chores.assess_churn(START)
    written = store.ask(row)
    later = START + timedelta(days=90)
    send(sink, messages([touchpoint("t-3", occurred_at=at(days=90))]), now=later)
    send(
        sink,
        messages([complaint("k-1", customer_id="u-2", occurred_at=at(days=90))]),
        now=later,
    )
    chores.assess_churn(later, everyone=True)
    assert store.ask(row) == written
    assert store.one("SELECT as_of FROM churn_risk WHERE customer_id = 'u-2'") == later
    # 180 days after the first sign of life of u-1 nothing is new: there was a second one.
    due = START + timedelta(days=180)
    assert [chores.assess_churn(due), chores.assess_churn(due)] == [2, 0]
    assert store.ask(row) != written
    assert store.one("SELECT next_change_at FROM churn_risk WHERE customer_id = 'u-1'") == (
        later + timedelta(days=180)
    )


def test_a_sign_of_life_of_somebody_long_unseen_ends_the_inactivity(store: Store) -> None:
    """Few steps of a workshop are worth an assessment.

    Only such a one, a delivery and a new customer's first.
    """
    chores, sink = store.chores(), store.sink(0)
    seen = []
    for day, is_sign_of_life in (
        (0, True),
        (1, True),
        (178, True),
        (359, False),
        (360, True),
        (361, True),
    ):
        moment = START + timedelta(days=day)
        if is_sign_of_life:
            send(
                sink,
                messages([repair_step(f"r-{day}", stage="work", occurred_at=at(days=day))]),
                now=moment,
            )
        assessed = chores.assess_churn(moment)
        seen.append(
            (
                day,
                assessed,
                store.one("SELECT count(*) FROM churn_risk WHERE drivers::text ~ 'inactive'"),
            )
        )
    assert seen == [(0, 1, 0), (1, 0, 0), (178, 0, 0), (359, 1, 1), (360, 1, 0), (361, 0, 0)]


def test_a_resolved_complaint_fades_with_time_alone(store: Store) -> None:
    """Whose risk fades is assessed when it does, every thirtieth day, and is exact each time."""
    values = messages(
        [complaint("k-1"), complaint("k-2", action="resolved", occurred_at=at(days=2))]
    )
    send(store.sink(), values)
    chores = store.chores()
    assessed = []
    for days in (2, 3, 31, 32, 62, 92, 122, 152, 182, 183):
        as_of = START + timedelta(days=days)
        assessed.append(chores.assess_churn(as_of))
        store.assert_as_expected(values, as_of, names=["churn_risk"])
    # On day 180 the silence begins, and is found on the next look.
    assert assessed == [1, 0, 0, 1, 1, 1, 1, 1, 1, 0]


def test_of_many_complaints_the_five_count_that_decide(store: Store) -> None:
    """Of each severity those open longest, and of all those resolved last; none hides another."""
    values = messages(
        complaint(
            f"k-{number}-{action}",
            complaint_id=f"q-{number}",
            action=action,
            severity=("minor", "major")[number % 2],
            occurred_at=at(hours=hours),
        )
        for number in range(28)
        for action, hours in (("opened", number), ("resolved", 30 * number))
        if action == "opened" or number >= 14
    )
    send(store.sink(), values)
    as_of = START + timedelta(days=40)
    store.chores().assess_churn(as_of)
    store.assert_as_expected(values, as_of, names=["churn_risk"])
    drivers = {
        name
        for (name,) in store.ask(
            "SELECT d ->> 'driver' FROM churn_risk, jsonb_array_elements(drivers) d"
        )
    }
    assert drivers == {
        "base",
        "open_complaint_major",
        "open_complaint_minor",
        "resolved_complaint_major",
        "resolved_complaint_minor",
    }


def test_what_we_do_is_no_sign_of_life(store: Store) -> None:
    """Neither a call that nobody answers nor an export of profiles ends a customer's silence.

    A visit after such a call does.
    """
    chores, sink = store.chores(), store.sink(0)
    seen = []
    for event in (
        repair_step("r-1"),
        customer("p-1", segment="gold", occurred_at=at(days=179)),
        callback("c-1", order_id="o-1", outcome="no_answer", answers=[], occurred_at=at(days=180)),
        callback("c-2", outcome="refused", answers=[], occurred_at=at(days=181)),
        repair_step("r-2", stage="work", order_id="o-2", occurred_at=at(days=182)),
        touchpoint("t-1", occurred_at=at(days=363)),
        callback("c-3", outcome="completed", answers=[], occurred_at=at(days=364)),
        complaint("k-1", action="acknowledged", occurred_at=at(days=545)),
        complaint("k-2", action="withdrawn", occurred_at=at(days=546)),
    ):
        moment = datetime.fromisoformat(event["occurred_at"])
        send(sink, messages([event]), now=moment)
        chores.assess_churn(moment)
        silent = store.one("SELECT drivers::text ~ 'inactive' FROM churn_risk")
        heard_at = store.one("SELECT last_heard_at FROM voc_bi.customer")
        seen.append((event["event_id"], silent, (heard_at - START).days))
    assert seen == [
        ("r-1", False, 0),
        ("p-1", False, 0),
        ("c-1", True, 0),
        ("c-2", True, 0),
        ("r-2", False, 182),
        ("t-1", False, 363),
        ("c-3", False, 364),
        ("k-1", True, 364),
        ("k-2", False, 546),
    ]


def test_who_has_left_has_no_row_until_won_back(store: Store) -> None:
    """A risk of leaving is of those who are still there."""
    chores = store.chores()
    seen = []
    for event in (
        touchpoint(),
        customer("p-1", change="churned", occurred_at=at(hours=1)),
        touchpoint("t-2", occurred_at=at(hours=2)),
        customer("p-2", change="won_back", occurred_at=at(hours=3)),
    ):
        store.take_in(event)
        chores.assess_churn(NOW)
        seen.append(store.one("SELECT count(*) FROM churn_risk"))
    assert seen == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (complaint("k-1"), complaint("k-2", customer_id="u-2", occurred_at=at(hours=1))),
        (
            complaint("k-1"),
            complaint("k-2", customer_id="u-2", action="resolved", occurred_at=at(hours=-1)),
        ),
        (
            repair_step("r-1", stage="delivery", edge="exit", promised_at=at(hours=-1)),
            repair_step("r-2", customer_id="u-2", occurred_at=at(hours=1)),
        ),
    ],
)
def test_anothers_event_about_ones_order_or_complaint_changes_ones_risk(
    store: Store, first: Event, second: Event
) -> None:
    """Who loses a complaint or an order to another is assessed again.

    So is whose complaint another resolves.
    """
    chores = store.chores()
    for event in (first, second):
        store.take_in(event)
        chores.assess_churn(NOW)
    store.assert_as_expected(messages([first, second]), names=["churn_risk"])


def test_everyone_may_be_assessed_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of the model all risks are of one moment.

    However many customers are taken at a time.
    """
    monkeypatch.setattr(assess_churn, "CUSTOMERS_A_TIME", 2)
    values = messages(crowd(40))
    send(store.sink(), values)
    assert store.chores().assess_churn(NOW, everyone=True) == 5
    store.assert_as_expected(values, names=["churn_risk"])
    assert store.ask("SELECT DISTINCT as_of FROM churn_risk") == [(NOW,)]
    assert store.one("SELECT count(*) FROM churn_pending") == 0


def test_everyone_is_also_who_is_gone_meanwhile(store: Store) -> None:
    """A customer of whom every event was taken back keeps no risk, whatever assesses next."""
    sink, chores = store.sink(), store.chores()
    send(sink, messages([touchpoint("t-1", customer_id="gone")]))
    assert chores.assess_churn(NOW) == 1
    send(sink, messages([retraction("x-1", "t-1")]))
    chores.take_back(NOW)
    assert store.ask("SELECT customer_id FROM customer") == []
    chores.assess_churn(NOW, everyone=True)
    assert store.ask("SELECT customer_id FROM churn_risk") == []


def test_the_queue_is_worked_off_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call takes all that is pending and all that is due, however few at a time."""
    monkeypatch.setattr(assess_churn, "CUSTOMERS_A_TIME", 1)
    values = messages(crowd(40))
    send(store.sink(), values)
    store.chores().assess_churn(NOW)
    assert store.one("SELECT count(*) FROM churn_pending") == 0
    later = NOW + timedelta(days=400)
    assert store.chores().assess_churn(later)
    store.assert_as_expected(values, later, names=["churn_risk"])


def test_parts_of_the_customers_take_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """If many are pending, a call assesses one part of them.

    A round of calls assesses all, and those whose time has come.
    """
    monkeypatch.setattr(assess_churn, "FEW_CUSTOMERS", 0)
    chores, later = store.chores(), NOW + timedelta(days=400)
    store.take_in(touchpoint("early", customer_id="early"))
    chores.assess_churn(NOW)
    values = messages(touchpoint(f"t-{number}", customer_id=f"u-{number}") for number in range(40))
    send(store.sink(), values)
    assessed = [chores.assess_churn(later, in_parts=True) or 0 for _ in range(churn.CUSTOMER_PARTS)]
    assert max(assessed) < 40
    # Events keep coming, so the queue is never empty.
    store.take_in(touchpoint("t-40", customer_id="u-40"))
    assessed += [
        chores.assess_churn(later, in_parts=True) or 0 for _ in range(churn.CUSTOMER_PARTS + 1)
    ]
    assert sum(assessed) == 42
    store.assert_as_expected(
        [
            *messages([touchpoint("early", customer_id="early")]),
            *values,
            *messages([touchpoint("t-40", customer_id="u-40")]),
        ],
        later,
        names=["churn_risk"],
    )


def test_a_trickle_of_changes_does_not_keep_others_waiting(store: Store) -> None:
    """Whose risk changes by the mere passing of time has a turn, too.

    Although there are always a few whom events change.
    """
    chores = store.chores()
    values = messages([complaint("q-1", customer_id="waiting")])
    send(store.sink(), values)
    chores.assess_churn(START, in_parts=True)
    for number in range(5):
        values += messages([touchpoint(f"t-{number}", customer_id=f"u-{number}")])
        send(store.sink(), values[-1:])
        chores.assess_churn(START + timedelta(days=number + 1), in_parts=True)
    assert store.one(
        "SELECT as_of FROM churn_risk WHERE customer_id = 'waiting'"
    ) > START + timedelta(days=2)


def test_one_worker_at_a_time_assesses(store: Store) -> None:
    """Who finds the lock taken leaves the queue as it is."""
    store.take_in(touchpoint())
    with closing(psycopg2.connect(store.url)) as connection:
        connection.cursor().execute(
            "SELECT FROM voc.lock WHERE name = %s FOR UPDATE", (Lock.ASSESSMENT,)
        )
        assert store.chores().assess_churn(NOW) is None
        connection.rollback()
    assert store.chores().assess_churn(NOW) == 1


@pytest.mark.parametrize("in_parts", [False, True])
def test_who_cannot_be_assessed_holds_up_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, in_parts: bool
) -> None:
    """As where a constraint of others refuses a row: it is named once and each failure counts.

    It is done as soon as it may be.
    """
    monkeypatch.setattr(assess_churn, "FEW_CUSTOMERS", 10)
    values = messages(touchpoint(f"t-{number}", customer_id=f"u-{number}") for number in range(40))
    send(store.sink(), values)
    chores = store.chores()

    def assess() -> str:
        try:
            chores.assess_churn(NOW, in_parts=in_parts)
        except Exception as error:  # noqa: BLE001  what the timer would count
            return str(error)
        return ""

    store.ask("ALTER TABLE churn_risk ADD CONSTRAINT added CHECK (customer_id <> 'u-7')")
    try:
        said = [assess() for _ in range(2 * churn.CUSTOMER_PARTS)]
        monkeypatch.setattr(set_aside, "REST_SECONDS", 0.0)
        assert store.one("SELECT count(*) FROM churn_risk") == 39
        assert store.ask("SELECT DISTINCT unnest(customer_ids) FROM churn_pending") == [("u-7",)]
        assert [text.split()[0] for text in said if text] == ["'u-7'"]
        chores.assess_churn.aside._again_at["u-7"] = 0.0
        assert "violates check constraint" in assess()
    finally:
        store.ask("ALTER TABLE churn_risk DROP CONSTRAINT added")
    for _ in range(2 * churn.CUSTOMER_PARTS):
        assert assess() == ""
    assert sum("'u-7'" in record.getMessage() for record in caplog.records) == 1
    store.assert_as_expected(values, names=["churn_risk"])
    assert store.one("SELECT count(*) FROM churn_pending") == 0


def test_whose_time_has_come_in_vain_holds_up_no_other(store: Store) -> None:
    """The same where nobody changed, and time alone makes risks anew."""
    values = messages(touchpoint(f"t-{number}", customer_id=f"u-{number}") for number in range(5))
    send(store.sink(), values)
    chores, later = store.chores(), NOW + timedelta(days=400)
    chores.assess_churn(NOW)
    store.ask("ALTER TABLE churn_risk ADD CONSTRAINT added CHECK (customer_id <> 'u-3') NOT VALID")
    try:
        with pytest.raises(set_aside.CustomersFailedError, match="'u-3'"):
            chores.assess_churn(later)
        assert store.ask("SELECT customer_id FROM churn_risk WHERE as_of < %s", later) == [("u-3",)]
    finally:
        store.ask("ALTER TABLE churn_risk DROP CONSTRAINT added")
    store.chores().assess_churn(later)
    store.assert_as_expected(values, later, names=["churn_risk"])
