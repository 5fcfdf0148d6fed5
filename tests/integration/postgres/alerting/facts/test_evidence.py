from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from builders import callback, messages, repair_step, touchpoint
from integration.postgres.alerting.judged import EXPERIENCE, TODAY, Judged
from integration.postgres.alerting.judging import reading
from integration.postgres.store import send

from voc_stream.alerts.explanation.parts import Explanation
from voc_stream.alerts.model import Subject
from voc_stream.postgres.alerting.facts.evidence import (
    read_event_ids,
    read_groups,
    read_slower_stages,
)
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from builders import Event
    from integration.postgres.store import Store

_numbers = count()


def in_stage(stage: str, minutes: float, until: datetime, site: str = "s-1") -> list[Event]:
    """An order that spends so long in a stage."""
    number = next(_numbers)
    common = {
        "order_id": f"o-{number}",
        "customer_id": f"v-{number}",
        "site_id": site,
        "stage": stage,
    }
    entered = (until - timedelta(minutes=minutes)).isoformat()
    return [
        repair_step(f"in-{number}", occurred_at=entered, **common),
        repair_step(f"out-{number}", edge="exit", occurred_at=until.isoformat(), **common),
    ]


def workshop(slow: float, site: str = "s-1") -> Iterator[Event]:
    """Twenty days of work of an hour and washes of ten minutes.

    Today work takes `slow` minutes, and washes eight.
    """
    for day in range(1, 21):
        moment = TODAY - timedelta(days=day, hours=-10)
        yield from in_stage("work", 60, moment, site)
        yield from in_stage("wash", 10, moment, site)
    for hour in range(1, 4):
        yield from in_stage("work", slow, TODAY + timedelta(hours=hour), site)
        yield from in_stage("wash", 8, TODAY + timedelta(hours=hour), site)


def test_an_alert_names_the_stage_that_became_slower_with_minutes_before_and_now(
    store: Store,
) -> None:
    """The shop whose work takes half an hour longer is told so; what got faster is no evidence."""
    judged = Judged(store)
    judged.past()
    judged.hear("s-1", [4] * 3)
    judged.now = TODAY + timedelta(hours=4)
    judged.take_in(list(workshop(slow=90)))
    judged.hear("s-1", [4] * 20)
    [alert] = judged.alerts()
    assert alert["evidence"]["slower_stages"] == [
        {"stage": "work", "minutes": 90.0, "baseline_minutes": 60.0}
    ]


@pytest.mark.parametrize(
    ("now_minutes", "is_slower"), [(67, True), (66, False), (60, False), (30, False)]
)
def test_a_stage_is_slower_by_more_than_a_tenth(
    store: Store, now_minutes: int, is_slower: bool
) -> None:
    """A tenth is within what varies anyway; another shop's stages tell nothing about this one."""
    events = [*workshop(slow=now_minutes), *workshop(slow=200, site="s-2")]
    send(store.sink(), messages(events), now=TODAY + timedelta(hours=4))
    store.chores().refresh(TODAY + timedelta(hours=4))
    with reading(store) as cursor:
        found = read_slower_stages(
            TimeLimitedQuery(cursor), Subject("any", "overall", "site", "s-1"), TODAY
        )
    expected = [{"stage": "work", "minutes": float(now_minutes), "baseline_minutes": 60.0}]
    assert found == (expected if is_slower else [])


def test_the_stages_that_slowed_most_come_first_and_only_three_are_told(store: Store) -> None:
    """Whoever reads an alert looks at the first; a long list tells nobody where to begin."""
    slower_by = {"reception": 5, "work": 40, "wash": 10, "delivery": 20}
    events = []
    for stage, more in slower_by.items():
        for day in range(1, 6):
            events += in_stage(stage, 30, TODAY - timedelta(days=day, hours=-10))
        events += in_stage(stage, 30 + more, TODAY + timedelta(hours=3))
    send(store.sink(), messages(events), now=TODAY + timedelta(hours=4))
    store.chores().refresh(TODAY + timedelta(hours=4))
    with reading(store) as cursor:
        found = read_slower_stages(
            TimeLimitedQuery(cursor), Subject("any", "overall", "site", "s-1"), TODAY
        )
    assert [(each["stage"], each["minutes"]) for each in found] == [
        ("work", 70.0),
        ("delivery", 50.0),
        ("wash", 40.0),
    ]


@pytest.mark.parametrize(
    ("departments", "told"),
    [(("service", "service", "b"), "service"), (("service", "b"), None), (("service", ""), None)],
)
def test_the_department_of_an_alert_is_that_of_more_than_half_of_its_scores(
    store: Store, departments: tuple[str, ...], told: str | None
) -> None:
    """At exactly half nobody's: the other half is another department's, or nobody knows whose."""
    judged = Judged(store, sites=("s-1",))
    judged.past()
    events = []
    for number in range(6 * len(departments)):
        judged.now += timedelta(minutes=1)
        events.append(
            {
                **judged.event(judged.now, "s-1", "ann", 3),
                "department": departments[number % len(departments)] or None,
            }
        )
    judged.take_in(
        [{name: value for name, value in event.items() if value is not None} for event in events]
    )
    [alert] = [alert for alert in judged.alerts() if alert["scope"] == "s-1"]
    assert alert["evidence"]["department"] == told


@pytest.mark.parametrize("kind", ["rating", "nps"])
def test_groups_read_by_day_have_the_sums_of_the_events(store: Store, kind: str) -> None:
    """Numbers, totals and squares are the same, whichever way they are read."""
    judged = Judged(store, sites=("s-1",))
    scores = [10, 9, 8, 7, 6, 3, 0, 10]
    events = [
        touchpoint(
            f"g-{number}",
            occurred_at=(TODAY + timedelta(minutes=number)).isoformat(),
            customer_id=f"u-{number}",
            site_id="s-1",
            employee_id=("ann", "bob")[number % 2],
            experience="overall",
            score=score,
        )
        if kind == "rating"
        else callback(
            f"g-{number}",
            occurred_at=(TODAY + timedelta(minutes=number)).isoformat(),
            customer_id=f"u-{number}",
            site_id="s-1",
            employee_id=("ann", "bob")[number % 2],
            recommend=score,
        )
        for number, score in enumerate(scores)
    ]
    judged.now = TODAY + timedelta(hours=1)
    judged.take_in(events)
    experience = "overall" if kind == "rating" else "recommendation"
    subject = Subject("VocKeyExperienceDropped", experience, "site", "s-1")
    # Points of an NPS: 10 for a promoter, 5 for a passive, 0 for a detractor.
    points = {
        name: [
            float(score) if kind == "rating" else 5.0 * ((score > 6) + (score > 8))
            for score in scores[first::2]
        ]
        for first, name in enumerate(("ann", "bob"))
    }
    for now in (TODAY + timedelta(hours=1), TODAY + timedelta(days=3)):
        with reading(store) as cursor:
            groups = read_groups(TimeLimitedQuery(cursor), subject, TODAY, now)
        found = {
            group.value: (group.scores, group.total, group.squares)
            for group in groups
            if group.dimension == "employee"
        }
        assert found == {
            name: (len(each), sum(each), sum(one * one for one in each))
            for name, each in points.items()
        }


def test_the_events_of_an_alert_are_the_lowest_of_whoever_is_named(store: Store) -> None:
    """The worst event of a colleague is no evidence against them, and neither is a good one.

    Without a name the lowest scores of the whole site are told.
    """
    judged = Judged(store, sites=("s-1",))
    scores = {"ann": (3, 9, 2, 4, 5), "bob": (0, 8, 9, 9, 9)}
    judged.now = TODAY + timedelta(hours=4)
    judged.take_in(
        [
            judged.event(TODAY + timedelta(minutes=number), "s-1", employee, score)
            for employee, given in scores.items()
            for number, score in enumerate(given)
        ]
    )
    subject = Subject("any", EXPERIENCE, "site", "s-1")
    found = []
    ann = Explanation("employee", "ann", 5, 4.6, 8.0, 100, 0.9, 9.0, 4.0, 0.5, 0.5)
    for named in (ann, None):
        with reading(store) as cursor:
            ids = read_event_ids(
                TimeLimitedQuery(cursor), subject, named, TODAY, below=5, now=judged.now
            )
        given = dict(store.ask("SELECT event_id, body ->> 'score' FROM touchpoint_event"))
        found.append([int(given[event_id]) for event_id in ids])
    assert found == [[2, 3, 4], [0, 2, 3, 4]]
