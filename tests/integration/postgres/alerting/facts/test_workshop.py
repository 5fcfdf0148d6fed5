from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import psycopg2
import pytest
from builders import START, callback, customer, repair_step, touchpoint
from integration.postgres.alerting.judging import judged
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW

from voc_stream.alerts.facts.open_orders import OpenOrder
from voc_stream.alerts.facts.stage_times import StageLimit
from voc_stream.alerts.facts.workshop_facts import FollowUps, WorkshopFacts
from voc_stream.alerts.model import Subject
from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.catalogue.load import load_catalogue
from voc_stream.catalogue.model import Limits
from voc_stream.postgres.alerting.evaluator import Evaluator
from voc_stream.postgres.alerting.facts.stage_minutes import (
    STAGE_TIMES_READ_EVERY,
    read_stage_times,
)
from voc_stream.postgres.alerting.facts.workshop import read_facts
from voc_stream.simulator.journey import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import TypeVar

    from builders import Event
    from integration.postgres.store import Store

    from voc_stream.alerts.model import Verdict
    from voc_stream.postgres.session.cursor import Cursor

    T = TypeVar("T")

MINUTE, HOUR, DAY, INSTANT = (
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(microseconds=1),
)
RULES = frozenset({"VocRepairStageStuck", "VocPromiseAtRisk", "VocFollowUpOverdue"})
STUCK = Subject("VocRepairStageStuck", "stage_minutes.wash", "site", "s-1")
OVERDUE = Subject("VocFollowUpOverdue", "follow_up_72h", "site", "s-1")


def ask(store: Store, question: Callable[[Cursor], T]) -> T:
    with closing(
        psycopg2.connect(store.url, options="-c search_path=voc -c timezone=Asia/Shanghai")
    ) as connection:
        return question(connection.cursor())


def judge(
    store: Store,
    evaluator: Evaluator | None = None,
    now: datetime = NOW,
    open_subjects: Collection[Subject] = (),
) -> Verdict:
    return judged(store, RULES, now, *open_subjects, evaluator=evaluator)


def facts(
    store: Store,
    now: datetime = NOW,
    limit_minutes: float = 0,
    longest_left_minutes: float = 10_000,
) -> WorkshopFacts:
    """With the same limit for every stage; by default every order that any rule may look at."""
    limits = {stage: StageLimit(limit_minutes, is_stated=True) for stage in STAGES}
    longest = dict.fromkeys(STAGES, longest_left_minutes)
    found = ask(store, lambda cursor: read_facts(cursor, store.catalogue, limits, longest, now))
    return found._replace(orders=sorted(found.orders), follow_ups=sorted(found.follow_ups))


def step(order_id: str, stage: str, edge: str, moment: datetime, **fields: object) -> Event:
    return repair_step(
        f"{order_id}-{stage}-{edge}",
        order_id=order_id,
        stage=stage,
        edge=edge,
        occurred_at=moment.isoformat(),
        **fields,
    )


def passed(
    order_id: str, stage: str, minutes: float, until: datetime, **fields: object
) -> list[Event]:
    """An order that was in a stage for so long."""
    return [
        step(order_id, stage, "enter", until - minutes * MINUTE, **fields),
        step(order_id, stage, "exit", until, **fields),
    ]


def busy_week() -> list[Event]:
    """Twenty orders that were in the wash for 12 minutes.

    And a shop that finished some every five minutes of the last hour.
    """
    return [
        event
        for number in range(20)
        for event in passed(f"w-{number:02}", "wash", 12, NOW - (3 * number + 1) * MINUTE)
    ]


def take_in(store: Store, *events: Event) -> None:
    store.take_in(*events)
    store.chores().refresh(NOW)


def test_empty_tables_have_nothing_to_say(store: Store) -> None:
    """Nothing is found; a follow-up alert goes on, because nothing fell due."""
    assert judge(store) == ([], set())
    assert judge(store, open_subjects=[STUCK, OVERDUE]) == ([], {OVERDUE})


def test_open_orders_are_read_with_their_stage(store: Store) -> None:
    """Since when they are in it, unless they have left it.

    Orders without a step, and delivered ones, are not open.
    """
    entered = NOW - 90 * MINUTE + INSTANT
    take_in(
        store,
        step("o-1", "work", "enter", entered, product="p-1"),
        *passed("o-2", "work", 30, NOW - HOUR, promised_at=(NOW + HOUR).isoformat()),
        step("o-3", "wash", "exit", NOW - HOUR, promised_at=(NOW + HOUR).isoformat()),
        *passed("o-4", "delivery", 10, NOW - HOUR, promised_at=(NOW + HOUR).isoformat()),
        touchpoint(order_id="o-5", occurred_at=(NOW - HOUR).isoformat()),
    )
    assert facts(store) == (
        [
            OpenOrder("o-1", "s-1", "p-1", "work", entered, None),
            OpenOrder("o-2", "s-1", None, "work", None, NOW + HOUR),
            OpenOrder("o-3", "s-1", None, "wash", None, NOW + HOUR),
        ],
        {("s-1", "work"): {"p-1": 1}},
        [],
    )


def test_orders_that_no_rule_can_find_are_only_counted(store: Store) -> None:
    """Told one by one are those beyond a limit; all are counted.

    The limit of their stage, or a promise that is nearer than the rest can take.
    """
    promised_at = (NOW + HOUR).isoformat()
    take_in(
        store,
        *[
            step(
                f"o-{number}",
                "work",
                "enter",
                NOW - number * 10 * MINUTE,
                product=f"p-{number % 2}",
            )
            for number in range(7)
        ],
        step("o-7", "wash", "enter", NOW - 5 * MINUTE, promised_at=promised_at, site_id="s-2"),
    )
    counts = {("s-1", "work"): {"p-0": 4, "p-1": 3}, ("s-2", "wash"): {None: 1}}
    for limit, longest, told in (
        (45, 59, ["o-5", "o-6"]),
        (50 + 1, 60, ["o-6", "o-7"]),
        (10_000, 30, []),
    ):
        found = facts(store, limit_minutes=limit, longest_left_minutes=longest)
        assert [order.order_id for order in found.orders] == told
        assert found.in_stage == counts


@pytest.mark.parametrize(
    ("entered_at", "promised_at", "read"),
    [
        (NOW - 30 * DAY, None, True),
        (NOW - 30 * DAY - INSTANT, None, False),
        (NOW - 40 * DAY, NOW, False),
        (NOW - 40 * DAY, NOW + INSTANT, True),
        (NOW - 40 * DAY, NOW + 240 * MINUTE, True),
        (NOW - 40 * DAY, NOW + 240 * MINUTE + INSTANT, False),
    ],
)
def test_orders_that_no_rule_looks_at_are_left_out(
    store: Store, entered_at: datetime, promised_at: datetime | None, read: bool
) -> None:
    """Given up after 30 days, unless a promise is to be watched.

    After now, and no later than the catalogue says.
    """
    promise = {} if promised_at is None else {"promised_at": promised_at.isoformat()}
    store.take_in(step("o-1", "work", "enter", entered_at, **promise))
    found = facts(store)
    assert bool(found.orders) is read
    assert bool(found.in_stage) is (entered_at >= NOW - 30 * DAY)


def test_promises_are_watched_in_stages_without_a_limit(store: Store) -> None:
    """If no limit is known, nothing is too long, but a promise is a promise."""
    store.take_in(step("o-1", "work", "enter", NOW - HOUR, promised_at=(NOW + HOUR).isoformat()))
    found = ask(store, lambda cursor: read_facts(cursor, store.catalogue, {}, {"work": 61}, NOW))
    assert [order.order_id for order in found.orders] == ["o-1"]


@pytest.mark.parametrize("minutes", [10**6, 10**10, 10**13])
def test_a_limit_may_be_longer_than_any_calendar(minutes: float, store: Store) -> None:
    """Who writes a number for "never" gets just that, and all other rules are judged."""
    store.catalogue = msgspec.structs.replace(
        store.catalogue, limits=Limits(stage_minutes={"wash": minutes})
    )
    take_in(store, *busy_week(), step("o-1", "wash", "enter", NOW - 29 * DAY))
    assert judge(store).findings == []


@pytest.mark.parametrize(
    ("delivered_at", "due"),
    [
        (NOW - 72 * HOUR, 0),
        (NOW - 72 * HOUR - INSTANT, 1),
        (NOW - 72 * HOUR - 7 * DAY, 1),
        (NOW - 72 * HOUR - 7 * DAY - INSTANT, 0),
    ],
)
def test_a_follow_up_is_overdue_when_72_hours_have_passed(
    store: Store, delivered_at: datetime, due: int
) -> None:
    """At the last moment of the 72nd hour it may still be made.

    What fell due more than a week ago is the past.
    """
    store.take_in(step("o-1", "delivery", "exit", delivered_at))
    assert sum(each.overdue for each in facts(store).follow_ups) == due


@pytest.mark.parametrize(
    ("days_ago", "due", "due_if_closed"),
    # Of the last days Friday, Saturday and the 8 hours of today were off: 56 hours in all.
    [(4, 1, 0), (5.3, 1, 0), (5.4, 1, 1), (10.5, 0, 1), (12.3, 0, 1), (12.4, 0, 0)],
)
def test_nobody_can_call_on_days_off(
    store: Store, days_ago: float, due: int, due_if_closed: int
) -> None:
    """The days on which a site is closed are left out of the 72 hours.

    They are left out of the week over which is looked, too.
    """
    days_off = SiteCalendar(holidays=frozenset(date(2025, 3, day) for day in (28, 29, 30)))
    delivered_at = NOW - timedelta(days=days_ago)
    store.take_in(
        *(
            step(f"o-{site}", "delivery", "exit", delivered_at, site_id=site)
            for site in ("s-1", "s-2")
        )
    )
    for catalogue, expected in (
        (store.catalogue, {"s-1": due, "s-2": due}),
        (
            msgspec.structs.replace(store.catalogue, site={"s-2": days_off}),
            {"s-1": due, "s-2": due_if_closed},
        ),
        (
            msgspec.structs.replace(store.catalogue, calendar=days_off),
            dict.fromkeys(("s-1", "s-2"), due_if_closed),
        ),
    ):
        found = ask(store, lambda cursor: read_facts(cursor, catalogue, {}, {}, NOW))  # noqa: B023
        assert {each.site_id: each.overdue for each in found.follow_ups} == {
            site: count for site, count in expected.items() if count
        }


def test_follow_ups_are_counted_by_site(store: Store) -> None:
    """Late ones are made; of the missing, five orders are named, the longest overdue first."""
    delivered_at = NOW - 4 * DAY
    store.take_in(
        *[
            step(f"o-{number}", "delivery", "exit", delivered_at - number * MINUTE)
            for number in range(7)
        ],
        step("o-8", "delivery", "exit", delivered_at, site_id="s-2"),
        callback("c-0", order_id="o-0", occurred_at=(NOW - MINUTE).isoformat()),
        callback(
            "c-1",
            order_id="o-1",
            occurred_at=(delivered_at + HOUR).isoformat(),
            outcome="no_answer",
        ),
        callback("c-8", order_id="o-8", occurred_at=(delivered_at + HOUR).isoformat()),
    )
    assert facts(store).follow_ups == [
        FollowUps(
            "s-1",
            7,
            6,
            ["o-6", "o-5", "o-4", "o-3", "o-2"],
            never_tried=5,
            not_reached=1,
            tried_in_time=1,
        ),
        FollowUps("s-2", 1, 0, ()),
    ]


def test_overdue_follow_ups_say_who_was_tried(store: Store) -> None:
    """Never tried, tried and not reached, and refused are told apart by the last call.

    Those come first whom nobody has tried, then those whom nobody has reached. A call before the
    delivery is no attempt, and one after the 72 hours was not in time.
    """
    delivered_at = NOW - 4 * DAY
    calls = {
        "o-1": [(1 * HOUR, "refused")],
        "o-2": [(1 * HOUR, "refused"), (2 * DAY, "no_answer")],
        "o-3": [(73 * HOUR, "no_answer")],
        "o-4": [(-1 * HOUR, "no_answer")],
        "o-5": [(72 * HOUR, "no_answer"), (74 * HOUR, "completed")],
        "o-6": [],
    }
    take_in(
        store,
        *[
            callback(
                f"c-{order_id}-{outcome}",
                order_id=order_id,
                outcome=outcome,
                occurred_at=(delivered_at + after).isoformat(),
            )
            for order_id, theirs in calls.items()
            for after, outcome in theirs
        ],
        *[step(order_id, "delivery", "exit", delivered_at) for order_id in calls],
    )
    assert facts(store).follow_ups == [
        FollowUps(
            "s-1",
            6,
            5,
            ["o-4", "o-6", "o-2", "o-3", "o-1"],
            never_tried=2,
            not_reached=2,
            refused=1,
            tried_in_time=2,
        )
    ]


def test_stage_times_are_those_that_were_counted(store: Store) -> None:
    """By site and for all, of 28 days.

    Nothing else, and times whose site is unknown count for all only.
    """
    recent, old = NOW - DAY, NOW - 28 * DAY
    take_in(
        store,
        *passed("o-1", "wash", 12, recent),
        *passed("o-2", "wash", 3, recent, site_id="s-2"),
        *passed("o-3", "work", 3000, recent),
        *passed("o-4", "wash", 12, old),
        touchpoint(occurred_at=recent.isoformat()),
    )
    store.ask("UPDATE duration_count SET site_id = '' WHERE site_id = 's-2'")
    times = ask(store, lambda cursor: read_stage_times(cursor, load_catalogue(), NOW))
    assert {key: each.orders for key, each in times.there.items()} == {
        ("", "wash"): 2,
        ("", "work"): 1,
        ("s-1", "wash"): 1,
        ("s-1", "work"): 1,
    }
    assert times.there["", "wash"][1:] == pytest.approx((3, 12), rel=0.025)
    assert times.there["s-1", "work"][1:] == pytest.approx((3000, 3000), rel=0.025)


def test_stuck_orders_are_found_against_what_is_usual(store: Store) -> None:
    """Two that are in the wash longer than 95 of 100.

    Before that there is nothing, and an open alert ends.
    """
    take_in(store, *busy_week())
    assert judge(store, open_subjects=[STUCK]).holding == set()
    take_in(
        store,
        *[
            step(f"o-{number}", "wash", "enter", NOW - (20 + number) * MINUTE)
            for number in range(2)
        ],
    )
    (finding,) = judge(store).findings
    assert finding.subject == STUCK
    assert (finding.evidence["stuck"], finding.evidence["order_ids"]) == (2, ["o-1", "o-0"])
    assert judge(store, now=NOW - 15 * MINUTE).findings == []


def test_a_stated_limit_needs_no_past(store: Store) -> None:
    """Beyond it one is enough, exactly at it none is stuck."""
    limits = Limits(stage_minutes={"wash": 30})
    store.catalogue = msgspec.structs.replace(store.catalogue, limits=limits)
    take_in(store, *busy_week()[:30], step("o-1", "wash", "enter", NOW - 30 * MINUTE))
    assert judge(store).findings == []
    assert [finding.subject for finding in judge(store, now=NOW + INSTANT).findings] == [STUCK]


def test_promises_are_found_before_they_are_broken(store: Store) -> None:
    """The order is in the wash, which usually takes 12 minutes, and is promised in 10."""
    promised_at = NOW + 10 * MINUTE
    take_in(
        store, *busy_week(), step("o-1", "wash", "enter", NOW, promised_at=promised_at.isoformat())
    )
    (finding,) = judge(store).findings
    assert finding.subject == Subject("VocPromiseAtRisk", None, "site", "s-1")
    assert finding.evidence["minutes_short"] == pytest.approx(2, abs=0.3)
    assert finding.evidence["promised_at"] == promised_at.isoformat()
    assert judge(store, now=promised_at).findings == []


def test_overdue_follow_ups_are_found(store: Store) -> None:
    """Nobody called any of twenty; after the calls the alert ends."""
    take_in(
        store, *[step(f"o-{number:02}", "delivery", "exit", NOW - 4 * DAY) for number in range(20)]
    )
    (finding,) = judge(store).findings
    assert (finding.subject, finding.severity) == (OVERDUE, "critical")
    assert finding.evidence["never_tried"] == 20
    assert judge(store, open_subjects=[OVERDUE], now=NOW - 2 * DAY).holding == {OVERDUE}
    called_at = (NOW - HOUR).isoformat()
    store.take_in(
        *[
            callback(f"c-{number}", order_id=f"o-{number:02}", occurred_at=called_at)
            for number in range(20)
        ]
    )
    assert judge(store, open_subjects=[OVERDUE]) == ([], set())


def test_stage_times_are_read_once_an_hour(store: Store) -> None:
    """Four weeks of counts are much; a clock that was set back reads them, too."""
    workshop, waiting = (
        Evaluator(store.catalogue),
        step("o-1", "wash", "enter", NOW - 2 * HOUR, promised_at=(NOW + 3 * HOUR).isoformat()),
    )
    take_in(store, waiting)
    assert judge(store, workshop).findings == []
    take_in(store, *busy_week())
    assert judge(store, workshop, NOW + STAGE_TIMES_READ_EVERY - INSTANT).findings == []
    assert [
        finding.subject for finding in judge(store, workshop, NOW + STAGE_TIMES_READ_EVERY).findings
    ] == [STUCK]
    promised_at = NOW + STAGE_TIMES_READ_EVERY + 9 * MINUTE
    store.take_in(step("o-2", "work", "enter", NOW, promised_at=promised_at.isoformat()))
    assert "VocPromiseAtRisk" in {
        finding.subject.rule
        for finding in judge(store, workshop, NOW + STAGE_TIMES_READ_EVERY).findings
    }
    store.ask("DELETE FROM duration_count")
    assert judge(store, workshop, NOW + STAGE_TIMES_READ_EVERY).findings
    assert judge(store, workshop, NOW).findings == []


def test_any_crowd_can_be_judged(store: Store) -> None:
    """Contradictory events, missing sites and products, at any time.

    No error, and whatever is read fits what it is read for.
    """
    take_in(store, customer(), *crowd(400))
    for now in (START, START + 15 * DAY, NOW, NOW + 40 * DAY):
        orders, in_stage, follow_ups = facts(store, now)
        assert len({order.order_id for order in orders}) == len(orders)
        told = Counter(
            (order.site_id, order.stage, order.product)
            for order in orders
            if order.entered_at is not None and order.entered_at >= now - 30 * DAY
        )
        counted = Counter(
            {
                (*place, product): count
                for place, products in in_stage.items()
                for product, count in products.items()
            }
        )
        assert told <= counted
        # What entered after `now`, as in this crowd's past, is counted and not told.
        assert told == counted or now < NOW
        assert all(each.due >= each.overdue >= len(each.order_ids) for each in follow_ups)
        judge(store, now=now)
    assert facts(store, START + 15 * DAY).follow_ups
