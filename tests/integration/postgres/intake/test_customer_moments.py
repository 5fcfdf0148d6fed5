"""What happened to a customer within some days, or did not: whatever comes, in whatever order.

The tables are the oracle's, which compares every moment with every other.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import (
    START,
    at,
    complaint,
    customer,
    disturbances_of,
    messages,
    repair_step,
    retraction,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.postgres.garage import LATER, MEASURES, Garage, text_of, visit
from integration.postgres.settings import in_one_database
from integration.postgres.store import send

from voc_stream.postgres.corrections.rebuild import rebuild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from builders import Event


@pytest.fixture
def garage(shared_database: str, tmp_path: Path) -> Iterator[Garage]:
    with Garage(shared_database, tmp_path, text_of(*MEASURES)) as opened:
        opened.clear()
        yield opened


def moments() -> st.SearchStrategy[str]:
    """Moments whose distances are often the days of a measure, or an instant more or less."""
    days = st.sampled_from([0, 1, 2, 9, 10, 11, 30, 31, 40, 60])
    instants = st.sampled_from([0, 0, 0, 1, -1]).map(lambda n: timedelta(microseconds=n))
    return st.builds(
        lambda day, instant: (START + timedelta(days=day) + instant).isoformat(), days, instants
    )


def histories() -> st.SearchStrategy[list[Event]]:
    """Visits and complaints of two customers, who are sometimes taken for each other."""
    common = {
        "occurred_at": moments(),
        "customer_id": st.sampled_from(["u-1", "u-1", "u-2"]),
        "site_id": st.sampled_from(["s-1", "s-2"]),
    }
    steps = st.fixed_dictionaries(
        {
            **common,
            "order_id": st.sampled_from(["o-1", "o-2", "o-3", "o-4"]),
            "stage": st.sampled_from(["appointment", "reception", "work", "delivery", "delivery"]),
            "edge": st.sampled_from(["enter", "exit"]),
        }
    ).map(lambda fields: repair_step("", **fields))
    complaints = st.fixed_dictionaries(
        {
            **common,
            "complaint_id": st.sampled_from(["q-1", "q-2", "q-3"]),
            "action": st.sampled_from(["opened", "opened", "reopened", "closed"]),
        }
    ).map(lambda fields: complaint("", **fields))
    profiles = st.fixed_dictionaries(
        {"occurred_at": moments(), "segment": st.sampled_from(["g-1", "g-2"])}
    ).map(lambda fields: customer("", **fields))
    return st.lists(steps | steps | complaints | profiles, min_size=4, max_size=24).map(
        lambda events: [
            {**event, "event_id": f"v-{number:03}"} for number, event in enumerate(events)
        ]
    )


@settings(in_one_database, max_examples=12)
@given(st.data(), histories())
def test_any_way_to_the_same_events_measures_the_same(
    garage: Garage, data: st.DataObject, events: list[Event]
) -> None:
    """In any order and any batches of two workers, some repeated and some taken back."""
    garage.clear()
    disturbances = data.draw(disturbances_of(events), "repeated and taken back")
    values = data.draw(st.permutations(messages([*events, *disturbances])), "log")
    sinks, rest = [garage.sink(0), garage.sink(1)], values
    while rest:
        number, size = data.draw(st.integers(0, 1)), data.draw(st.integers(1, len(rest)), "size")
        send(sinks[number], rest[:size], number, LATER)
        rest = rest[size:]
        if data.draw(st.booleans(), "chores"):
            garage.settle(START)
    garage.settle()
    garage.assert_is_the_oracles(values)


@settings(in_one_database, max_examples=3)
@given(histories(), histories())
def test_rebuild_finds_nothing_to_mend(
    garage: Garage, first: list[Event], then: list[Event]
) -> None:
    """Neither in what is measured nor among the moments that are kept."""
    garage.clear()
    garage.take_in(*first, now=LATER)
    garage.take_in(*[{**event, "event_id": f"t-{event['event_id']}"} for event in then], now=LATER)
    garage.settle()
    report = rebuild(garage.url, garage.catalogue, lambda *_: None)
    differing = {table.table for table in report.tables if table.differing}
    assert differing <= {"churn_risk"}


def due(day: float) -> datetime:
    """When it counts that nobody came back within 30 days of a visit."""
    return START + timedelta(days=day + 30, hours=3)


def test_a_delivery_counts_when_its_days_are_over(garage: Garage) -> None:
    """Not before: no horizon has it until then. A visit within the days counts against it."""
    garage.take_in(*visit("o-1", 0), *visit("o-2", 29), now=LATER)
    assert garage.told("came_back") == [("s-1", due(0), 0), ("s-1", due(29), 10)]
    mean = "SELECT experience_mean, n FROM rolling_satisfaction WHERE experience = 'came_back'"
    mean += " AND horizon = '90d' AND scope_type = 'all'"
    chores = garage.chores()
    for passed, found in ((29, []), (31, [(0, 1)]), (61, [(5, 2)])):
        chores.refresh(START + timedelta(days=passed))
        assert garage.ask(mean) == found


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        # Taken for somebody else's until now.
        (
            lambda: repair_step(
                "late", order_id="o-2", customer_id="u-2", stage="work", occurred_at=at(days=31)
            ),
            [("s-1", due(0), 10), ("s-1", due(29), 10)],
        ),
        # Delivered again, later: the visit of 29 days after is none any more, then.
        (
            lambda: repair_step(
                "late", stage="delivery", edge="exit", occurred_at=at(days=29, hours=3)
            ),
            [("s-1", due(29), 10), ("s-1", due(29), 10)],
        ),
        # There were others, one before it and one after.
        (
            lambda: repair_step("late", order_id="o-3", occurred_at=at(days=10)),
            [("s-1", due(0), 0), ("s-1", due(29), 10)],
        ),
        (
            lambda: repair_step("late", order_id="o-3", occurred_at=at(days=59)),
            [("s-1", due(0), 0), ("s-1", due(29), 0)],
        ),
        # An appointment is made by telephone, and a follow-up is a call.
        (
            lambda: repair_step(
                "late", order_id="o-3", stage="appointment", occurred_at=at(days=59)
            ),
            [("s-1", due(0), 0), ("s-1", due(29), 10)],
        ),
        (
            lambda: retraction("late", "o-2-reception-enter", occurred_at=at(days=60)),
            [("s-1", due(0), 0), ("s-1", due(29), 10)],
        ),
        (
            lambda: retraction("late", "o-2-reception-enter", "o-2-delivery-exit"),
            [("s-1", due(0), 10)],
        ),
        (
            lambda: repair_step("late", site_id="s-2", stage="follow_up", occurred_at=at(days=8)),
            [("s-2", due(0), 0), ("s-1", due(29), 10)],
        ),
    ],
    ids=[
        "owner",
        "delivery",
        "earlier",
        "later",
        "appointment",
        "visit-taken-back",
        "order-taken-back",
        "site",
    ],
)
def test_what_comes_late_restates_what_was_counted(
    garage: Garage, event: Callable[[], Event], changed: list[tuple[str, datetime, int]]
) -> None:
    """Whatever it changes: whose the visit is, when it was, where, or whether there was one."""
    told = [*visit("o-1", 0), *visit("o-2", 29)]
    garage.take_in(*told, now=LATER)
    garage.take_in(event(), now=LATER)
    garage.chores().take_back(LATER)
    assert garage.told("came_back") == changed
    garage.settle()
    garage.assert_is_the_oracles(messages([*told, event()]))


def test_a_profile_moves_what_orders_measured(garage: Garage) -> None:
    """A segment that is stated late: what was counted is moved with the history."""
    told = [*visit("o-1", 0), *visit("o-2", 29), customer("p-1", segment="g-1")]
    for event in told:
        garage.take_in(event, now=LATER)
    garage.settle()
    garage.assert_is_the_oracles(messages(told))
    late = repair_step("late", order_id="o-3", occurred_at=at(days=50))
    garage.take_in(late, now=LATER)
    garage.settle()
    garage.assert_is_the_oracles(messages([*told, late]))


def test_one_declared_today_is_after_rebuild_as_if_from_the_start(
    shared_database: str, tmp_path: Path
) -> None:
    """To the digit; and what comes afterwards is counted on top of it."""
    told, later = [*visit("o-1", 0), *visit("o-2", 29)], visit("o-3", 45)
    with Garage(shared_database, tmp_path, text_of()) as before:
        before.clear()
        before.take_in(*told, now=LATER)
        before.settle()
        assert before.ask("SELECT * FROM customer_moment") == []
    text = re.sub(
        r"^version = \d+$", "version = 999", text_of(*MEASURES), count=1, flags=re.MULTILINE
    )
    with Garage(shared_database, tmp_path, text) as after:
        after.chores().refresh(LATER)
        report = rebuild(after.url, after.catalogue, lambda *_: None)
        found = {table.table: table.differing for table in report.tables if table.differing}
        assert found["customer_moment"] == 4
        after.assert_is_the_oracles(messages(told))
        after.take_in(*later, now=LATER)
        after.settle()
        after.assert_is_the_oracles(messages([*told, *later]))
