"""Signals that look at more than orders, complaints and the latest scores."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import (
    RATINGS,
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
from integration.postgres.settings import in_one_database
from integration.postgres.store import CATALOGUE, NOW, send
from msgspec.structs import replace

from voc_stream.domain.churn.signals import SIGNAL_NAMES, SIGNALS
from voc_stream.postgres.rolling import further_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builders import Event
    from integration.postgres.store import Store

ABOUT_THE_PRICE = RATINGS[-1]
FURTHER = [signal.name for signal in SIGNALS if signal.reads]
# No two products of powers that weights can have are equal, so the strongest is no matter of the
# last bit.
MULTIPLIERS = st.dictionaries(
    st.sampled_from(sorted(SIGNAL_NAMES)), st.sampled_from([0.37, 0.61, 1.0, 1.7, 3.1])
)
STEPS = st.sampled_from([timedelta(hours=13), timedelta(days=3), timedelta(days=29)])


def weigh(store: Store, multipliers: Mapping[str, float]) -> Mapping[str, Any]:
    """Let the store's catalogue have these multipliers; the same catalogue for the oracle."""
    catalogue = store.catalogue
    priced = replace(catalogue.experience[ABOUT_THE_PRICE], factor="price")
    store.catalogue = replace(
        catalogue,
        churn=replace(catalogue.churn, multipliers=multipliers),
        experience={**catalogue.experience, ABOUT_THE_PRICE: priced},
    )
    experiences = CATALOGUE["experience"]
    return {
        **CATALOGUE,
        "churn": {**CATALOGUE["churn"], "multipliers": multipliers},
        "experience": {
            **experiences,
            ABOUT_THE_PRICE: {**experiences[ABOUT_THE_PRICE], "factor": "price"},
        },
    }


@settings(in_one_database, max_examples=25)
@given(st.lists(st.tuples(event_lists(12), STEPS), min_size=1, max_size=5), MULTIPLIERS)
def test_risks_are_the_oracles_whatever_a_catalogue_weighs(
    store: Store,
    rounds: list[tuple[list[Event], timedelta]],
    multipliers: dict[str, float],
) -> None:
    """At each assessment, with all signals or some, and multipliers above and below 1."""
    expected = weigh(store, multipliers)
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
        store.assert_as_expected(values, as_of, names=["churn_risk"], catalogue=expected)


def story() -> list[Event]:
    """Two customers to whom nearly everything happens."""
    return [
        customer("p-1", customer_since=at(days=-500)),
        customer("p-2", customer_since=at(days=9), occurred_at=at(days=8)),
        *(touchpoint(f"t-{n}", score=2, occurred_at=at(hours=n)) for n in range(7)),
        complaint("k-1", category=ABOUT_THE_PRICE, occurred_at=at(hours=8)),
        complaint("k-2", action="withdrawn", compensation=20, occurred_at=at(days=2)),
        repair_step("r-1", stage="delivery", edge="exit", occurred_at=at(hours=9)),
        callback("c-1", answers=[], recommend=3, effort=2, occurred_at=at(days=3)),
        callback("c-2", outcome="refused", answers=[], occurred_at=at(days=4)),
        *(
            repair_step(f"o-{n}", order_id=f"o-{n}", customer_id="u-2", occurred_at=at(hours=n))
            for n in range(3, 12)
        ),
    ]


def drivers_of(store: Store) -> set[str]:
    rows = store.ask("SELECT d ->> 'driver' FROM churn_risk, jsonb_array_elements(drivers) d")
    return {name for (name,) in rows}


@pytest.mark.parametrize("multiplier", [0.7, 1.4])
def test_each_signal_is_found_in_what_is_stored(store: Store, multiplier: float) -> None:
    """In a story in which all happens, and again once some of it was taken back.

    Of the judgements the strongest counts, so they are looked for one by one.
    """
    chores, values, seen = store.chores(), messages(story()), set[str]()
    send(store.sink(), values)
    groups = [[name] for name in ("nps_detractor", "high_effort")]
    groups.append([name for name in FURTHER if [name] not in groups])
    for names in groups:
        expected = weigh(store, dict.fromkeys(names, multiplier))
        chores = store.chores()
        for days in (2, 4, 8, 20, 80, 185, 300):
            as_of = START + timedelta(days=days)
            chores.assess_churn(as_of, everyone=True)
            store.assert_as_expected(
                values, as_of, names=["churn_risk"], received_at=NOW, catalogue=expected
            )
            seen |= drivers_of(store)
    never = {"visits_2", "visits_4", "tenure_0d", "tenure_90d"}
    assert seen == {"base", *FURTHER} - never
    values += messages([retraction("x-1", "k-2", "t-3", "c-2", "r-1", "p-1")])
    send(store.sink(), values[-1:])
    chores.take_back(NOW)
    as_of = START + timedelta(days=8)
    chores.assess_churn(as_of)
    store.assert_as_expected(values, as_of, names=["churn_risk"], catalogue=expected)
    assert not drivers_of(store) & {"failures_8", "unanswered_survey", "tenure_365d"}


def test_of_very_many_events_the_latest_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of an order may be the one that another event is older than.

    So each leads to an assessment. What is of the same moment as the last one counts, too.
    """
    monkeypatch.setattr(further_facts, "_EVENTS", further_facts._EVENTS.replace("200", "4"))
    monkeypatch.setattr("oracle.further_signals.MOST_EVENTS", 4)
    expected = weigh(store, {"contacts_3": 2.0})
    chores, sink, values, seen = store.chores(), store.sink(0), list[bytes](), []
    for event in (
        repair_step("r-0"),
        *(touchpoint(f"t-{n}", occurred_at=at(hours=1)) for n in range(3)),
        repair_step("r-1", stage="work", occurred_at=at(hours=2)),
        repair_step("r-2", stage="work", edge="exit", occurred_at=at(hours=3)),
        repair_step("r-3", stage="reception", occurred_at=at(hours=4)),
        repair_step("r-4", stage="reception", edge="exit", occurred_at=at(hours=5)),
    ):
        values += messages([event])
        send(sink, values[-1:])
        chores.assess_churn(NOW)
        store.assert_as_expected(values, names=["churn_risk"], catalogue=expected)
        seen.append("contacts_3" in drivers_of(store))
    assert seen == [False, False, False, True, True, True, True, False]


def test_nothing_is_read_for_signals_that_change_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packaged catalogue gives them all the multiplier 1."""
    assert {store.catalogue.churn.multipliers[name] for name in FURTHER} == {1}
    monkeypatch.setattr(further_facts, "_EVENTS", "no SQL")
    monkeypatch.setattr(further_facts, "_VISITS", "no SQL")
    values = messages(story())
    send(store.sink(), values)
    store.chores().assess_churn(NOW)
    store.assert_as_expected(values, names=["churn_risk"])
    assert not drivers_of(store) & {*FURTHER}
