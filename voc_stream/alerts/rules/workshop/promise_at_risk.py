"""Finds promises that will be broken as things go.

They can still be kept, or the customer can still be told.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.facts.stage_times import StageTimes
from voc_stream.alerts.facts.workshop_facts import WorkshopFacts
from voc_stream.alerts.model import MOST_IDS, Finding, Subject, Verdict
from voc_stream.alerts.rule import Figure, Rule, Words
from voc_stream.counted import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from voc_stream.alerts.facts.open_orders import OpenOrder
    from voc_stream.alerts.rule import Context, Facts
    from voc_stream.catalogue.label import Label
    from voc_stream.catalogue.model import Catalogue

NAME = "VocPromiseAtRisk"
LEAST_WARNING = timedelta(minutes=5)
"""An alert starts only with a promise that leaves time to ring the customer; assumption."""
MANY = 5
"""Orders at risk that make an alert critical."""


class _Risk(NamedTuple):
    promised_at: datetime
    order_id: str
    minutes_short: float


def judge(facts: Facts, context: Context) -> Verdict:
    """The sites at which promises are at risk."""
    orders = facts[WorkshopFacts].orders
    return judge_promises(orders, facts[StageTimes], context.catalogue, context.now)


def judge_promises(
    orders: Iterable[OpenOrder], times: StageTimes, catalogue: Catalogue, now: datetime
) -> Verdict:
    """The sites at which promises are at risk.

    An alert starts with a promise that is at least `LEAST_WARNING` ahead, and goes on while any
    promise is at risk. A promise that is broken already is not at risk any more. Nor is a promise
    farther off than the catalogue's `promise_watch_minutes`.

    Args:
        orders: at least all that are promised for less than `longest_left` of their stage from now.
        times: what their stages usually take.
        catalogue: how long before a promise its order is watched.
        now: the time of the evaluation.
    """
    watched_until = now + timedelta(minutes=catalogue.limits.promise_watch_minutes)
    at_risk: dict[str, list[_Risk]] = defaultdict(list)
    for order in orders:
        if order.promised_at is None or not now < order.promised_at <= watched_until:
            continue
        minutes_short = (
            minutes_left(order, times, catalogue, now)
            - (order.promised_at - now).total_seconds() / 60
        )
        if minutes_short > 0:
            at_risk[order.site_id].append(_Risk(order.promised_at, order.order_id, minutes_short))
    in_time = {
        site_id
        for site_id, risks in at_risk.items()
        if max(risks).promised_at - now >= LEAST_WARNING
    }
    return Verdict(
        [
            _finding(site_id, sorted(at_risk[site_id]), catalogue.flow.subject, now)
            for site_id in sorted(in_time)
        ],
        {Subject(NAME, None, "site", site_id) for site_id in at_risk.keys() - in_time},
    )


def minutes_left(order: OpenOrder, times: StageTimes, catalogue: Catalogue, now: datetime) -> float:
    """How long until delivery, if what is left takes what it usually takes.

    A stage of which nothing is known counts nothing. A stage still to come that only some orders
    pass counts with their share. An order whose step lies ahead of this clock enters now.

    >>> from datetime import UTC, datetime
    >>> from voc_stream.catalogue.load import load_catalogue
    >>> from voc_stream.alerts.facts.stage_times import StageTimes, TimesThere
    >>> from voc_stream.alerts.facts.open_orders import OpenOrder
    >>> usual = TimesThere(100, 20.0, 40.0)
    >>> times = StageTimes({("", stage): usual for stage in ("wash", "settlement", "delivery")})
    >>> order = OpenOrder("o-1", "s-1", None, "wash", datetime(2026, 1, 5, 12, 0, tzinfo=UTC), None)
    >>> minutes_left(order, times, load_catalogue(), datetime(2026, 1, 5, 12, 5, tzinfo=UTC))
    55.0
    """
    stages = catalogue.flow.up_to_delivery
    if order.stage not in stages:
        return 0.0
    spent = order.minutes_in_stage(now)
    usual = times.usual_minutes(catalogue, order.site_id, order.stage) or 0.0
    here = (
        0.0 if spent is None else min(usual, max(0.0, usual - spent))
    )  # a clock that is ahead makes no stage longer
    to_come = stages[stages.index(order.stage) + 1 :]
    return here + sum(
        (times.usual_minutes(catalogue, order.site_id, stage) or 0.0)
        * times.passing_share(catalogue, stage)
        for stage in to_come
    )


def longest_left(times: StageTimes, catalogue: Catalogue) -> dict[str, float]:
    """Minutes that `minutes_left` never exceeds for an order in a stage, by stage, at any site.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> from voc_stream.alerts.facts.stage_times import StageTimes, TimesThere
    >>> usual = TimesThere(100, 20.0, 40.0)
    >>> times = StageTimes({("", "settlement"): usual, ("", "delivery"): usual})
    >>> longest = longest_left(times, load_catalogue())
    >>> longest["settlement"], longest["delivery"], longest["follow_up"]
    (40.0, 20.0, 0.0)
    """
    longest = dict.fromkeys(catalogue.flow.stages, 0.0)
    later = 0.0
    for stage in reversed(catalogue.flow.up_to_delivery):
        usual = max(
            (
                times.usual_minutes(catalogue, site_id, stage) or 0.0
                for site_id in times.sites_of(stage)
            ),
            default=0.0,
        )
        longest[stage] = usual + later
        later += usual * times.passing_share(catalogue, stage)
    return longest


def _finding(site_id: str, risks: Sequence[_Risk], passing: Label, now: datetime) -> Finding:
    """The alert about a site; it names the earliest promise first."""
    first, worst = risks[0], max(risks, key=lambda risk: risk.minutes_short)
    left = (first.promised_at - now).total_seconds() / 60
    return Finding(
        Subject(NAME, None, "site", site_id),
        "critical" if len(risks) >= MANY else "warning",
        {
            "site": site_id,
            "orders": len(risks),
            "order_ids": [risk.order_id for risk in risks[:MOST_IDS]],
            "minutes_short": round(worst.minutes_short, 1),
            "promised_at": first.promised_at.astimezone(UTC).isoformat(),
        },
        f"{site_id}: {counted(len(risks), 'promise')} at risk, {first.order_id} is due in"
        f" {counted(round(left), 'minute')},"
        f" {worst.order_id} will be {counted(round(worst.minutes_short), 'minute')} late"
        f" / {site_id}：可能无法按承诺时间交付的{passing.zh}：{len(risks)}，"
        f"{first.order_id} 还剩 {left:.0f} 分钟，"
        f"{worst.order_id} 预计晚 {worst.minutes_short:.0f} 分钟",
    )


RULE = Rule(
    name=NAME,
    title=Words("a promise will be broken", "承诺交付时间面临风险"),
    headline=Words("Promised delivery times are at risk at {place}", "承诺交付时间面临风险"),
    description="As things go, promises will be broken that can still be kept, or whose customers"
    " can still be told in time.",
    figures=(
        Figure(
            "sum(max by (stage) (voc_repair_orders_overdue{site=%q}))",
            ("site",),
            "Broken there already: {}.",
            'printf "%.0f"',
        ),
    ),
    one_per="site",
    starts="an order cannot be delivered as promised if its remaining stages take what they usually"
    " take",
    critical="5 orders cannot",
    ends="none is at risk: delivered, promised anew, or broken",
    needs=(WorkshopFacts, StageTimes),
    judge=judge,
)
