from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from unit.alerts.calendars import with_calendar
from unit.alerts.rules.example import Example

from voc_stream.alerts.facts.open_orders import OpenOrder
from voc_stream.alerts.facts.stage_times import StageLimit, StageTimes, TimesThere
from voc_stream.alerts.facts.workshop_facts import WorkingTimes, WorkshopFacts
from voc_stream.alerts.model import Subject
from voc_stream.alerts.rule import Facts
from voc_stream.alerts.rules.workshop.repair_stage_stuck import (
    GIVEN_UP_AFTER,
    NAME,
    is_more_than_chance,
    judge_stuck,
)
from voc_stream.catalogue.calendar import SiteCalendar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.model import Verdict
    from voc_stream.catalogue.model import Catalogue

NOW = START
MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
BUSY = {"s-1": [NOW - 5 * number * MINUTE for number in range(864, 0, -1)]}
WASH = Subject(NAME, "stage_minutes.wash", "site", "s-1")
USUAL, STATED = {"wash": StageLimit(40, is_stated=False)}, {"wash": StageLimit(40, is_stated=True)}


def orders(*minutes: float, **fields: object) -> list[OpenOrder]:
    """Orders in the wash for so many minutes."""
    one = OpenOrder("o", "s-1", None, "wash", NOW, None)
    return [
        one._replace(order_id=f"o-{number}", entered_at=NOW - each * MINUTE, **fields)  # type: ignore[arg-type]  # of OpenOrder
        for number, each in enumerate(minutes)
    ]


def judge(
    here: Sequence[OpenOrder],
    limits: Mapping[str, StageLimit],
    catalogue: Catalogue,
    active: Mapping[str, Sequence[datetime]] = BUSY,
    open_subjects: Collection[Subject] = (WASH,),
) -> Verdict:
    return judge_stuck(
        here, in_stage(here), limits, active, catalogue, now=NOW, open_subjects=open_subjects
    )


def in_stage(here: Sequence[OpenOrder]) -> dict[tuple[str, str], Counter[str | None]]:
    counts: dict[tuple[str, str], Counter[str | None]] = defaultdict(Counter)
    for order in here:
        if order.entered_at is not None and NOW - order.entered_at <= GIVEN_UP_AFTER:
            counts[order.site_id, order.stage][order.product] += 1
    return counts


def in_the_wash(*minutes: float) -> Facts:
    """Orders in the wash, which 95 of 100 usually leave within 20 minutes."""
    times = StageTimes({("", "wash"): TimesThere(200, 10, 20)})
    here = orders(*minutes)
    return Facts(WorkshopFacts(here, in_stage(here), []), times, WorkingTimes(BUSY))


EXAMPLE = Example(starts=in_the_wash(45, 50), ends=in_the_wash(1, 5), now=NOW)


def test_nothing_is_found_where_nothing_stands(catalogue: Catalogue) -> None:
    """Quiet: no order, or orders that are no longer there than usual; an open alert ends."""
    for here in (orders(), orders(1, 5, 39)):
        assert judge(here, USUAL, catalogue) == ([], set())


def test_two_of_two_beyond_the_percentile_are_no_chance(catalogue: Catalogue) -> None:
    """An alert names stage, site, numbers and orders, the oldest first, in both languages."""
    (finding,) = judge(orders(45, 50), USUAL, catalogue).findings
    assert finding.subject == WASH
    assert finding.severity == "warning"
    assert finding.evidence == {
        "stage": "wash",
        "site": "s-1",
        "stuck": 2,
        "in_stage": 2,
        "limit_minutes": 40,
        "oldest_minutes": 50,
        "order_ids": ["o-1", "o-0"],
        "explained_by": None,
        "explained_dimension": None,
    }
    assert finding.summary == (
        "Wash at s-1: 2 of 2 vehicles for more than 40 minutes, o-1 for 50"
        " / s-1 清洗：车辆共 2，其中 2 超过 40"
        " 分钟，o-1 已 50 分钟"
    )


def test_some_are_always_beyond_a_percentile(catalogue: Catalogue) -> None:
    """What chance explains starts nothing, and lets an open alert go on.

    Different limits for start and end.
    """
    for here in (orders(45), orders(45, 50, 1), orders(*[45] * 11, *[1] * 89)):
        assert judge(here, USUAL, catalogue) == ([], {WASH})
        assert judge(here, USUAL, catalogue, open_subjects=()).holding == set()
    assert judge(orders(*[45] * 13, *[1] * 87), USUAL, catalogue).findings


def test_one_far_beyond_is_enough(catalogue: Catalogue) -> None:
    """Twice the limit, and not a moment less."""
    assert not judge(orders(80), USUAL, catalogue).findings
    assert judge(orders(80.001), USUAL, catalogue).findings


@pytest.mark.parametrize(("minutes", "stuck"), [(39, False), (40, False), (40 + 1e-6, True)])
def test_a_stated_limit_is_a_limit(minutes: float, stuck: bool, catalogue: Catalogue) -> None:
    """One order is enough, exactly at the limit none is stuck, and below it an open alert ends."""
    verdict = judge(orders(minutes), STATED, catalogue)
    assert bool(verdict.findings) is stuck
    assert bool(verdict.holding) is stuck


@pytest.mark.parametrize(("far", "severity"), [(4, "warning"), (5, "critical")])
def test_five_far_beyond_are_critical(far: int, severity: str, catalogue: Catalogue) -> None:
    """However many more are stuck."""
    (finding,) = judge(orders(*[81] * far, *[50] * 9), USUAL, catalogue).findings
    assert finding.severity == severity
    assert finding.evidence["order_ids"] == [
        "o-0",
        "o-1",
        "o-2",
        "o-3",
        *(["o-4"] if far == 5 else ["o-10"]),
    ]


def test_a_closed_shop_is_not_stuck(catalogue: Catalogue) -> None:
    """What stands overnight starts no alert, in the evening or at opening.

    An open one goes on until the order moves.
    """
    closed_at = NOW - timedelta(hours=14)
    evening = [moment for moment in BUSY["s-1"] if moment < closed_at]
    here = orders(14 * 60 + 10, 14 * 60 + 20)
    for active in ([], evening, [*evening, NOW - 5 * MINUTE]):
        assert judge(here, USUAL, catalogue, {"s-1": active}) == ([], {WASH})
    assert judge(here, USUAL, catalogue).findings


def test_a_limit_of_days_needs_a_day_of_work(catalogue: Catalogue) -> None:
    """Times that contain nights are compared with times that do.

    Once the shop was at work for a working day.
    """
    limits = {"wash": StageLimit(1500, is_stated=True)}
    for hours, found in ((7, False), (9, True)):
        active = [moment for moment in BUSY["s-1"] if moment >= NOW - timedelta(hours=hours)]
        assert bool(judge(orders(1600), limits, catalogue, {"s-1": active}).findings) is found


def test_no_limit_is_no_verdict(catalogue: Catalogue) -> None:
    """A stage without one is not judged.

    An open alert goes on while orders are in it, and ends where there are none.
    """
    assert judge(orders(1000), {}, catalogue) == ([], {WASH})
    assert judge(orders(), {}, catalogue).holding == set()


def test_orders_that_cannot_be_stuck_are_not_counted(catalogue: Catalogue) -> None:
    """Neither those that have left the stage, nor those that were given up after 30 days."""
    given_up = GIVEN_UP_AFTER / MINUTE
    assert not judge([*orders(50), *orders(60)], STATED, catalogue, {}).findings
    assert (
        judge([order._replace(entered_at=None) for order in orders(50)], STATED, catalogue).holding
        == set()
    )
    (finding,) = judge(orders(50, given_up, given_up + 0.001), STATED, catalogue).findings
    assert (finding.evidence["stuck"], finding.evidence["in_stage"]) == (2, 2)


def test_sites_and_stages_are_judged_apart(catalogue: Catalogue) -> None:
    """One subject each."""
    limits = {"wash": StageLimit(40, is_stated=True), "work": StageLimit(100, is_stated=True)}
    here = [*orders(50), *orders(101, stage="work"), *orders(50, site_id="s-2")]
    found = [
        finding.subject
        for finding in judge(here, limits, catalogue, {**BUSY, "s-2": BUSY["s-1"]}).findings
    ]
    assert found == [
        WASH,
        Subject(NAME, "stage_minutes.work", "site", "s-1"),
        Subject(NAME, "stage_minutes.wash", "site", "s-2"),
    ]


@pytest.mark.parametrize(
    ("stuck", "others", "explained_by"),
    [
        (["p-1"] * 4 + ["p-2"] * 3, ["p-1", "p-2", "p-3"], "p-1"),
        (["p-1"] * 4 + ["p-2"] * 4, ["p-3"], None),
        (["p-1"] * 3, ["p-2"], None),
        (["p-1"] * 4, ["p-1", "p-3"], None),
        (["p-1"] * 4, [], None),
        ([None] * 4, ["p-1"], None),
    ],
)
def test_a_product_explains_what_the_others_do_not_share(
    stuck: list[str | None],
    others: list[str | None],
    explained_by: str | None,
    catalogue: Catalogue,
) -> None:
    """More than half of the stuck orders, at least four, and less than half of the others.

    Where there are no others nobody knows.
    """
    here = [
        order._replace(product=product)
        for order, product in zip(
            orders(*[50] * len(stuck), *[1] * len(others)), stuck + others, strict=True
        )
    ]
    (finding,) = judge(here, STATED, catalogue).findings
    assert finding.evidence["explained_by"] == explained_by
    assert finding.evidence["explained_dimension"] == ("product" if explained_by else None)


def test_orders_that_are_not_too_long_in_their_stage_need_only_be_counted(
    catalogue: Catalogue,
) -> None:
    """What is found is the same whether they are told one by one or not."""
    here = [order._replace(product="p-1") for order in orders(45, 50, 60, 90, 41)] + orders(
        1, 5, 40
    )
    told = [order for order in here if (order.minutes_in_stage(NOW) or 0) > 40]
    one_by_one, counted = (
        judge_stuck(each, in_stage(here), USUAL, BUSY, catalogue, now=NOW, open_subjects=(WASH,))
        for each in (here, told)
    )
    assert one_by_one == counted
    assert [
        (finding.evidence["in_stage"], finding.evidence["explained_by"])
        for finding in counted.findings
    ] == [(8, "p-1")]


@given(st.integers(0, 200), st.integers(0, 500))
def test_more_stuck_orders_never_end_what_fewer_started(stuck: int, others: int) -> None:
    """Whether one of the others gets stuck, or one more does that comes in."""
    if is_more_than_chance(stuck, stuck + others):
        assert is_more_than_chance(stuck + 1, stuck + 1 + others)
        assert others == 0 or is_more_than_chance(stuck + 1, stuck + others)


@given(st.lists(st.integers(0, 100), max_size=12), st.integers(41, 100))
def test_another_stuck_order_never_ends_an_alert(
    catalogue: Catalogue, minutes: list[int], more: int
) -> None:
    """Of the whole rule: what is found stays found, with at least its severity and numbers."""
    before, after = (
        judge(orders(*minutes), USUAL, catalogue),
        judge(orders(*minutes, more), USUAL, catalogue),
    )
    assert len(after.findings) >= len(before.findings)
    assert after.findings or after.holding
    for one, other in zip(before.findings, after.findings, strict=False):
        assert (one.severity, other.severity) != ("critical", "warning")


@pytest.mark.parametrize(("opening_minutes", "is_stuck"), [(120, False), (121, True)])
def test_a_limit_in_opening_time_is_over_when_the_shop_was_open_for_so_long(
    opening_minutes: int, is_stuck: bool
) -> None:
    """It may have stood there all night, and nobody need have finished anything meanwhile."""
    opening = NOW.replace(hour=NOW.hour, minute=0) - timedelta(minutes=opening_minutes)
    start = opening.hour * 60 + opening.minute
    catalogue = with_calendar(SiteCalendar(week=(((start, 24 * 60),),) * 7), in_opening_time=True)
    limits = {"wash": StageLimit(120, is_stated=True, in_opening_time=True)}
    over_night = orders((NOW - opening) / MINUTE + 300)
    verdict = judge(over_night, limits, catalogue, active={}, open_subjects=())
    assert bool(verdict.findings) is is_stuck
    if is_stuck:
        assert verdict.findings[0].evidence["oldest_minutes"] == opening_minutes
