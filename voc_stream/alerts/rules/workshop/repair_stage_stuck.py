"""Finds orders that stand still.

They are longer in a stage than nearly all are, and there are more than chance explains.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.facts.open_orders import MINUTE, stage_label, working_minutes
from voc_stream.alerts.facts.stage_times import SHARE_WITHIN, StageTimes
from voc_stream.alerts.facts.workshop_facts import WorkingTimes, WorkshopFacts
from voc_stream.alerts.model import MOST_IDS, Finding, Subject, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words
from voc_stream.catalogue.model import minutes_experience
from voc_stream.counted import counted
from voc_stream.domain.calendar import calendars_of
from voc_stream.domain.statistics import poisson_tail

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.alerts.facts.open_orders import OpenOrder
    from voc_stream.alerts.facts.stage_times import StageLimit
    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.calendar import Calendar

NAME = "VocRepairStageStuck"
GIVEN_UP_AFTER = timedelta(days=30)
"""How long an order may be in its stage before it does not count at all.

An order that has been longer in its stage was given up, or its exit was lost.
"""
CHANCE = 0.01
"""How unlikely a number of stuck orders must be if nothing is wrong."""
FAR_BEYOND = 2.0
"""How many times the limit makes one order alone worth an alert."""
WORKING_DAY_MINUTES = 480.0
"""A limit of more than a working day contains nights, as do the times that it is taken from.

A working day has 8 hours (assumption).
"""
MANY = 5
"""Orders far beyond the limit that make an alert critical."""
PATTERN, MOST = 4, 0.5
"""How many orders of one product are a pattern, and how large their share must be (assumption).

They must be more than this share of the stuck orders; two or three are easily chance.
"""


class _StageAtSite(NamedTuple):
    """One stage at one site.

    It holds the orders in it by product, those that are stuck, the oldest first, and how many are
    far beyond the limit.
    """

    subject: Subject
    stage: str
    limit: StageLimit
    products: Mapping[str | None, int]
    stuck: Sequence[OpenOrder]
    far_beyond: int

    @property
    def in_stage(self) -> int:
        return sum(self.products.values())

    @property
    def is_worth_an_alert(self) -> bool:
        return bool(self.stuck) and (
            self.limit.is_stated
            or self.far_beyond > 0
            or is_more_than_chance(len(self.stuck), self.in_stage)
        )


def judge(facts: Facts, context: Context) -> Verdict:
    """The sites and stages at which orders are stuck."""
    return judge_stuck(
        facts[WorkshopFacts].orders,
        facts[WorkshopFacts].in_stage,
        facts[StageTimes].limits(context.catalogue),
        facts[WorkingTimes].by_site,
        context.catalogue,
        now=context.now,
        open_subjects=context.open_subjects,
    )


def judge_stuck(
    orders: Iterable[OpenOrder],
    in_stage: Mapping[tuple[str, str], Mapping[str | None, int]],
    limits: Mapping[str, StageLimit],
    active: Mapping[str, Sequence[datetime]],
    catalogue: Catalogue,
    *,
    now: datetime,
    open_subjects: Collection[Subject],
) -> Verdict:
    """The sites and stages at which orders are stuck.

    An order is stuck if it has been in its stage for longer than the limit, and not because the
    shop was closed. So the site must have been at work for as long, or for a working day. Of many
    orders some are always beyond a 95th percentile. So an alert starts if there are more than
    chance explains, or if one is far beyond the limit. If the catalogue states the limit, it starts
    at the first order. It goes on while any order has been in the stage for longer, open shop or
    not. It also goes on while there are orders in the stage and no limit is known any more. A limit
    in opening time needs no sign of work: only minutes in which the site is open count.

    Args:
        orders: at least all that are longer in their stage than its limit, and no longer than
            GIVEN_UP_AFTER.
        in_stage: by site and stage, how many orders of each product have been in it for at most
            GIVEN_UP_AFTER, whatever the limit.
        limits: by stage; a stage without one is not judged.
        active: by site, ascending, when it is known to have finished something; a site without any
            is not judged.
        catalogue: for the names of stages.
        now: the time of the evaluation.
        open_subjects: whose alerts are open.
    """
    by_place: dict[tuple[str, str], list[OpenOrder]] = defaultdict(list)
    for order in orders:
        if order.entered_at is not None and now - order.entered_at <= GIVEN_UP_AFTER:
            by_place[order.site_id, order.stage].append(order)
    findings, holding, calendars = [], set(), calendars_of(catalogue)
    for (site_id, stage), products in sorted(in_stage.items()):
        here = by_place[site_id, stage]
        subject = Subject(NAME, minutes_experience(stage), "site", site_id)
        limit, work, calendar = limits.get(stage), active.get(site_id, ()), calendars.of(site_id)
        if limit is None:
            holding.add(subject)
            continue
        open_only = limit.in_opening_time and calendar.has_hours
        ages = _ages(here, calendar if open_only else None, now)
        if any(age > limit.minutes for age in ages.values()):
            holding.add(subject)
        if not (work or open_only):
            continue
        stuck, far_beyond = (
            [
                order
                for order in _beyond(ages, minutes)
                if open_only or _is_stuck(order, minutes, work, now)
            ]
            for minutes in (limit.minutes, FAR_BEYOND * limit.minutes)
        )
        found = _StageAtSite(subject, stage, limit, products, stuck, len(far_beyond))
        if found.is_worth_an_alert:
            findings.append(_finding(found, catalogue, ages[stuck[0]]))
    return Verdict(findings, holding & set(open_subjects))


def is_more_than_chance(stuck: int, in_stage: int) -> bool:
    """Whether so many stuck orders in a stage are unlikely if nothing is wrong.

    An order is stuck if it is beyond the stage's 95th percentile.

    >>> is_more_than_chance(1, 1), is_more_than_chance(2, 2)
    (False, True)
    >>> is_more_than_chance(2, 3), is_more_than_chance(11, 100)
    (False, False)
    """
    return poisson_tail(stuck, (1 - SHARE_WITHIN) * in_stage) < CHANCE


def _ages(
    orders: Iterable[OpenOrder], calendar: Calendar | None, now: datetime
) -> dict[OpenOrder, float]:
    """For how many minutes each has been in its stage.

    By a calendar, those in which it was open.
    """
    if calendar is None:
        return {order: order.minutes_in_stage(now) or 0.0 for order in orders}
    return {
        order: calendar.opening_time(order.entered_at, now) / MINUTE
        for order in orders
        if order.entered_at is not None
    }


def _beyond(ages: Mapping[OpenOrder, float], minutes: float) -> list[OpenOrder]:
    """Those that have been in their stage for longer, the oldest first."""
    return [
        order
        for order, age in sorted(ages.items(), key=lambda each: (-each[1], each[0].order_id))
        if age > minutes
    ]


def _is_stuck(order: OpenOrder, minutes: float, work: Sequence[datetime], now: datetime) -> bool:
    needed = min(minutes, WORKING_DAY_MINUTES)
    return (
        order.entered_at is not None
        and working_minutes(order.entered_at, now, work, needed) > needed
    )


def _finding(found: _StageAtSite, catalogue: Catalogue, oldest: float) -> Finding:
    site_id, stuck = found.subject.scope, found.stuck
    limit = round(found.limit.minutes, 1)
    english, chinese = stage_label(catalogue, found.stage)
    product, passing = _telling_product(stuck, found.products), catalogue.flow.subject
    return Finding(
        found.subject,
        "critical" if found.far_beyond >= MANY else "warning",
        {
            "stage": found.stage,
            "site": site_id,
            "stuck": len(stuck),
            "in_stage": found.in_stage,
            "limit_minutes": limit,
            "oldest_minutes": round(oldest, 1),
            "order_ids": [order.order_id for order in stuck[:MOST_IDS]],
            "explained_by": product,
            "explained_dimension": "product" if product else None,
        },
        f"{english} at {site_id}: {len(stuck)} of {counted(found.in_stage, passing.en)} for more"
        f" than {limit:g} minutes, {stuck[0].order_id} for"
        f" {oldest:.0f} / {site_id} {chinese}：{passing.zh}共 {found.in_stage}，"
        f"其中 {len(stuck)} 超过 {limit:g} 分钟，{stuck[0].order_id} 已 {oldest:.0f} 分钟",
    )


def _telling_product(stuck: Sequence[OpenOrder], products: Mapping[str | None, int]) -> str | None:
    """The product of most of the stuck orders, where it is not that of most of the others, too."""
    ((product, count),) = Counter(order.product for order in stuck).most_common(1)
    others = sum(products.values()) - len(stuck)
    if product is None or others <= 0 or count < PATTERN:
        return None
    is_telling = count / len(stuck) > MOST and (products.get(product, 0) - count) / others < MOST
    return product if is_telling else None


RULE = Rule(
    name=NAME,
    title=Words("orders stuck in one stage", "环节停滞"),
    headline=Words("Orders are stuck at {place}{stage}", "环节停滞{stage}"),
    description="Orders have been in one stage longer than nearly all orders are.",
    figures=(
        Figure(
            "sum(max by (stage) (voc_repair_orders_overdue{site=%q}))",
            ("site",),
            "Past their promise there: {} orders.",
            'printf "%.0f"',
        ),
    ),
    one_per="site and stage",
    starts="more orders than chance explains are in the stage for longer than the stage's own"
    " 95th percentile, or one for twice as long, or one for longer than `[limits]` says; and the"
    " site was at work for as long",
    critical="5 for twice as long",
    ends="none is, by the clock",
    needs=(WorkshopFacts, StageTimes, WorkingTimes),
    judge=judge,
)
