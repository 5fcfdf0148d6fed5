"""Declares the signals that raise the risk of leaving, each once.

Catalogues give them multipliers by these names. The words of alerts and the table of the semantics
come from here. A signal has no clock: it says from when until when it is active if nothing happens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.churn.spells import Spell, after, recent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, Score
    from voc_stream.domain.churn.spells import Active, Terms

INACTIVE, INACTIVE_LONG = timedelta(days=180), timedelta(days=365)
"""The times without any act of the customer after which a customer may have gone."""
QUICKLY = timedelta(hours=24)
NEUTRAL_MEMORY = 500
RESOLVED_STATES = ("resolved", "informed", "closed")
_HOUR = timedelta(hours=1)


class Signal(NamedTuple):
    """One thing that raises the risk of leaving.

    Attributes:
        name: of the driver in `churn_risk`, and of its multiplier in the catalogue.
        en: how an alert names it, in English.
        zh: the same in Chinese.
        active_when: for the table of the semantics; D is `signal_days`, recent is less than D days
            ago.
        active: from the facts of a customer, when it is active; None if it is not.
    """

    name: str
    en: str
    zh: str
    active_when: str
    active: Active


def _is_open(severity: str) -> Active:
    def active(facts: CustomerFacts, _: Terms) -> Spell | None:
        if not facts.complaints:
            return None
        still_open = [one.severity == "major" for one in facts.complaints if one.is_open]
        if not still_open:
            return None
        return Spell() if any(still_open) == (severity == "major") else None

    return active


def _open_for(age: timedelta, next_age: timedelta | None) -> Active:
    def active(facts: CustomerFacts, _: Terms) -> Spell | None:
        if not facts.complaints:
            return None
        opened = [one.opened_at for one in facts.complaints if one.is_open and one.opened_at]
        return after(min(opened), age, next_age) if opened else None

    return active


def _inactive_for(age: timedelta, next_age: timedelta | None) -> Active:
    def active(facts: CustomerFacts, _: Terms) -> Spell | None:
        heard_at = facts.last_heard_at
        return None if heard_at is None else after(heard_at, age, next_age)

    return active


def _resolved(severity: str, *, quickly: bool) -> Active:
    def active(facts: CustomerFacts, terms: Terms) -> Spell | None:
        if not facts.complaints:
            return None
        latest = _latest_resolved(facts.complaints)
        if latest is None or latest.severity != severity or latest.resolved_at is None:
            return None
        took = latest.time_to_resolve
        if (took is not None and took <= QUICKLY) != quickly:
            return None
        return recent(latest.resolved_at, terms)

    return active


def _latest_resolved(complaints: Sequence[ComplaintFacts]) -> ComplaintFacts | None:
    """The complaint that was resolved last; None while any is open."""
    if any(one.is_open for one in complaints):
        return None
    resolved = [
        (one.resolved_at, one.complaint_id, one)
        for one in complaints
        if one.state in RESOLVED_STATES and one.resolved_at is not None
    ]
    return max(resolved, key=lambda each: each[:2])[2] if resolved else None


def _broken_promise(facts: CustomerFacts, terms: Terms) -> Spell | None:
    if not facts.orders:
        return None
    late = [one.delivered_at for one in facts.orders if one.on_time is False and one.delivered_at]
    return recent(max(late), terms) if late else None


def _low_attitude(facts: CustomerFacts, terms: Terms) -> Spell | None:
    return _low(facts.attitude, terms)


def _low_outcome(facts: CustomerFacts, terms: Terms) -> Spell | None:
    return _low(facts.outcome, terms)


def _low(latest: Score | None, terms: Terms) -> Spell | None:
    if latest is None or latest.score >= terms.low_score:
        return None
    return recent(latest.at, terms)


def _bad_memory(facts: CustomerFacts, terms: Terms) -> Spell | None:
    if not facts.orders:
        return None
    remembered = [
        (one.last_moment_at, one.order_id, one.memory) for one in facts.orders if one.last_moment_at
    ]
    if not remembered:
        return None
    last_moment_at, _, memory = max(remembered, key=lambda order: order[:2])
    is_bad = memory is not None and memory < NEUTRAL_MEMORY
    return recent(last_moment_at, terms) if is_bad else None


_OPENED = "the earliest `opened_at` of the open complaints lies at least {} back, and less than {}"
_RESOLVED = (
    "none is open, and the complaint with the greatest `(resolved_at, complaint_id)` is {},"
    " recent, and took {}"
)
_LOW = (
    "the latest score (greatest `(occurred_at, event_id, place in the answers)`) that the customer"
    " gave to the catalogue's `{}` is recent and < `low_score`"
)

SIGNALS = (
    Signal(
        "open_complaint_major",
        "a major complaint that is open",
        "重大投诉未解决",
        "the customer has an open complaint that is major",
        _is_open("major"),
    ),
    Signal(
        "open_complaint_minor",
        "a minor complaint that is open",
        "一般投诉未解决",
        "the customer has an open complaint, and none that is major",
        _is_open("minor"),
    ),
    Signal(
        "complaint_open_24h",
        "a complaint open for a day",
        "投诉超过 24 小时未解决",
        _OPENED.format("24 hours", "72"),
        _open_for(24 * _HOUR, 72 * _HOUR),
    ),
    Signal(
        "complaint_open_72h",
        "a complaint open for three days",
        "投诉超过 72 小时未解决",
        _OPENED.format("72 hours", "168"),
        _open_for(72 * _HOUR, 168 * _HOUR),
    ),
    Signal(
        "complaint_open_168h",
        "a complaint open for a week",
        "投诉超过 7 天未解决",
        "the earliest `opened_at` of the open complaints lies at least 168 hours back",
        _open_for(168 * _HOUR, None),
    ),
    Signal(
        "resolved_complaint_major",
        "a major complaint that took long to resolve",
        "重大投诉解决缓慢",
        _RESOLVED.format("major", "longer than a day, or nobody knows how long"),
        _resolved("major", quickly=False),
    ),
    Signal(
        "resolved_complaint_minor",
        "a minor complaint that took long to resolve",
        "一般投诉解决缓慢",
        _RESOLVED.format("minor", "longer than a day, or nobody knows how long"),
        _resolved("minor", quickly=False),
    ),
    Signal(
        "resolved_quickly_major",
        "a major complaint, though quickly resolved",
        "曾有重大投诉（已快速解决）",
        _RESOLVED.format("major", "at most a day (`minutes_to_resolve` <= 1440)"),
        _resolved("major", quickly=True),
    ),
    Signal(
        "resolved_quickly_minor",
        "a minor complaint, though quickly resolved",
        "曾有一般投诉（已快速解决）",
        _RESOLVED.format("minor", "at most a day (`minutes_to_resolve` <= 1440)"),
        _resolved("minor", quickly=True),
    ),
    Signal(
        "broken_promise",
        "a broken promise",
        "未按承诺时间交付",
        "an order with `on_time` = false and a recent `delivered_at`",
        _broken_promise,
    ),
    Signal(
        "low_attitude",
        "how staff treated them",
        "服务态度评分低",
        _LOW.format("attitude_experience"),
        _low_attitude,
    ),
    Signal(
        "low_outcome",
        "a poor result",
        "服务结果评分低",
        _LOW.format("outcome_experience"),
        _low_outcome,
    ),
    Signal(
        "bad_memory",
        "a visit remembered badly",
        "到店体验记忆不佳",
        "the order with the greatest (time of its last moment, `order_id`) has `memory_score` <"
        " 5, and that moment is recent",
        _bad_memory,
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
