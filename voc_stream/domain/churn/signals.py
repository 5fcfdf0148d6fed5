"""Declares the signals that raise the risk of leaving, each once.

Catalogues give them multipliers by these names. The words of alerts and the table of the semantics
come from here. A signal has no clock: it says how its weight goes on if nothing happens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from voc_stream.domain.churn.courses import Fading, Spell
from voc_stream.domain.churn.of_complaints import RESOLVED_STATES, open_ones, resolved_ones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Courses, Terms
    from voc_stream.domain.churn.facts import CustomerFacts, Score

INACTIVE, INACTIVE_LONG = timedelta(days=180), timedelta(days=365)
"""The times without any act of the customer after which a customer may have gone."""
NEUTRAL_MEMORY = 500


class Signal(NamedTuple):
    """One thing that raises the risk of leaving.

    Attributes:
        name: of the driver in `churn_risk`, and of its multiplier in the catalogue.
        en: how an alert names it, in English.
        zh: the same in Chinese.
        active_when: for the table of the semantics; D is `signal_days`, recent is less than D days
            ago.
        courses: from the facts of a customer, how each thing that it speaks of weighs over time.
        group: `complaint`: each is a cause of leaving by itself. `judgement`: what one visit was
            worth, told in several ways, of which the strongest counts.
        rises_from: the signal whose multiplier it has at weight 0; None: it is nothing then.
    """

    name: str
    en: str
    zh: str
    active_when: str
    courses: Courses
    group: Literal["complaint", "judgement"] | None = None
    rises_from: str | None = None


def _inactive_for(age: timedelta, next_age: timedelta | None) -> Courses:
    def courses(facts: CustomerFacts, _: Terms) -> Sequence[Course]:
        heard_at = facts.last_heard_at
        if heard_at is None:
            return ()
        return (Spell(heard_at + age, None if next_age is None else heard_at + next_age),)

    return courses


def _broken_promise(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    if not facts.orders:
        return ()
    late = [one.delivered_at for one in facts.orders if one.on_time is False and one.delivered_at]
    return (Fading(max(late), terms.window),) if late else ()


def _low_attitude(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    return _low(facts.attitude, terms)


def _low_outcome(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    return _low(facts.outcome, terms)


def _low(latest: Score | None, terms: Terms) -> Sequence[Course]:
    if latest is None or latest.score >= terms.low_score:
        return ()
    return (Fading(latest.at, terms.window),)


def _silent_unhappy(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    latest = facts.outcome
    if latest is None or latest.score >= terms.low_score:
        return ()
    since = latest.at - terms.window
    for one in facts.complaints:
        was_resolved = one.state in RESOLVED_STATES and one.resolved_at is not None
        if one.is_open or (was_resolved and one.resolved_at > since):  # type: ignore[operator]
            return ()
    return (Fading(latest.at, terms.window),)


def _bad_memory(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    if not facts.orders:
        return ()
    remembered = [
        (one.last_moment_at, one.order_id, one.memory) for one in facts.orders if one.last_moment_at
    ]
    if not remembered:
        return ()
    last_moment_at, _, memory = max(remembered, key=lambda order: order[:2])
    is_bad = memory is not None and memory < NEUTRAL_MEMORY
    return (Fading(last_moment_at, terms.window),) if is_bad else ()


_RESOLVED = "each {} complaint that was resolved, recently, {}; of all the five resolved last"
_QUICK, _SLOW = "within a day", "after more than a day, or nobody knows when it was opened"
_OPEN = "each {} complaint that is open, of the five that are open longest"
_LOW = (
    "the latest score (greatest `(occurred_at, event_id, place in the answers)`) that the customer"
    " gave to the catalogue's `{}` is recent and < `low_score`"
)

SIGNALS = (
    Signal(
        "open_complaint_major",
        "a major complaint that is open",
        "重大投诉未解决",
        _OPEN.format("major"),
        open_ones("major"),
        "complaint",
        rises_from="resolved_complaint_major",
    ),
    Signal(
        "open_complaint_minor",
        "a minor complaint that is open",
        "一般投诉未解决",
        _OPEN.format("minor"),
        open_ones("minor"),
        "complaint",
        rises_from="resolved_complaint_minor",
    ),
    Signal(
        "resolved_complaint_major",
        "a major complaint that took long to resolve",
        "重大投诉解决缓慢",
        _RESOLVED.format("major", _SLOW),
        resolved_ones("major", quickly=False),
        "complaint",
    ),
    Signal(
        "resolved_complaint_minor",
        "a minor complaint that took long to resolve",
        "一般投诉解决缓慢",
        _RESOLVED.format("minor", _SLOW),
        resolved_ones("minor", quickly=False),
        "complaint",
    ),
    Signal(
        "resolved_quickly_major",
        "a major complaint, though quickly resolved",
        "曾有重大投诉（已快速解决）",
        _RESOLVED.format("major", _QUICK),
        resolved_ones("major", quickly=True),
        "complaint",
    ),
    Signal(
        "resolved_quickly_minor",
        "a minor complaint, though quickly resolved",
        "曾有一般投诉（已快速解决）",
        _RESOLVED.format("minor", _QUICK),
        resolved_ones("minor", quickly=True),
        "complaint",
    ),
    Signal(
        "broken_promise",
        "a broken promise",
        "未按承诺时间交付",
        "an order with `on_time` = false and a recent `delivered_at`",
        _broken_promise,
    ),
    Signal(
        "silent_unhappy",
        "a poor result about which nobody complained",
        "结果不满意但未投诉",
        "`low_outcome`, and no complaint of the customer is open or was resolved later than D days"
        " before that score",
        _silent_unhappy,
        "judgement",
    ),
    Signal(
        "low_attitude",
        "how staff treated them",
        "服务态度评分低",
        _LOW.format("attitude_experience"),
        _low_attitude,
        "judgement",
    ),
    Signal(
        "low_outcome",
        "a poor result",
        "服务结果评分低",
        _LOW.format("outcome_experience"),
        _low_outcome,
        "judgement",
    ),
    Signal(
        "bad_memory",
        "a visit remembered badly",
        "到店体验记忆不佳",
        "the order with the greatest (time of its last moment, `order_id`) has `memory_score` <"
        " 5, and that moment is recent",
        _bad_memory,
        "judgement",
    ),
    Signal(
        "inactive_180d",
        "half a year without a sign of life",
        "半年没有任何往来",
        "`as_of - last_heard_at` is at least 180 days, and less than 365",
        _inactive_for(INACTIVE, INACTIVE_LONG),
    ),
    Signal(
        "inactive_365d",
        "a year without a sign of life",
        "一年没有任何往来",
        "`as_of - last_heard_at` is at least 365 days",
        _inactive_for(INACTIVE_LONG, None),
    ),
)
"""The signals, in the order in which drivers are listed and added up."""
SIGNAL_NAMES = frozenset(signal.name for signal in SIGNALS)
