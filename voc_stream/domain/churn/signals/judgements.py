"""Declares the signals of what a visit was worth: of those of one visit the strongest counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading
from voc_stream.domain.churn.signals.complaints import RESOLVED_STATES
from voc_stream.domain.churn.signals.signal import Signal
from voc_stream.events.types import Callback
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voc_stream.domain.churn.courses import Course, Terms
    from voc_stream.domain.churn.facts import CustomerFacts, Score

NEUTRAL_MEMORY = 500
MOST_OF_DETRACTORS = 6


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


def _nps_detractor(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    latest = next((one for one in _callbacks(facts) if one.recommend is not None), None)
    if latest is None or latest.recommend is None or latest.recommend > MOST_OF_DETRACTORS:
        return ()
    return (Fading(latest.occurred_at, terms.window),)


def _high_effort(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    latest = next((one for one in _callbacks(facts) if one.effort is not None), None)
    if latest is None or latest.effort is None or hundredths(latest.effort) >= terms.low_score:
        return ()
    return (Fading(latest.occurred_at, terms.window),)


def _callbacks(facts: CustomerFacts) -> Iterator[Callback]:
    return (one for one in facts.events if isinstance(one, Callback))


_LOW = (
    "the latest score (greatest `(occurred_at, event_id, place in the answers)`) that the customer"
    " gave to the catalogue's `{}` is recent and < `low_score`"
)

JUDGEMENTS = (
    Signal(
        "silent_unhappy",
        7,
        "a poor result about which nobody complained",
        "结果不满意但未投诉",
        "`low_outcome`, and no complaint of the customer is open or was resolved later than D days"
        " before that score",
        _silent_unhappy,
        "judgement",
    ),
    Signal(
        "low_attitude",
        8,
        "how staff treated them",
        "服务态度评分低",
        _LOW.format("attitude_experience"),
        _low_attitude,
        "judgement",
    ),
    Signal(
        "low_outcome",
        9,
        "a poor result",
        "服务结果评分低",
        _LOW.format("outcome_experience"),
        _low_outcome,
        "judgement",
    ),
    Signal(
        "bad_memory",
        10,
        "a visit remembered badly",
        "到店体验记忆不佳",
        "the order with the greatest (time of its last moment, `order_id`) has `memory_score` <"
        " 5, and that moment is recent",
        _bad_memory,
        "judgement",
    ),
    Signal(
        "nps_detractor",
        27,
        "a customer who would not recommend us",
        "不愿推荐",
        "of the latest callback with `recommend` it is <= 6, and that callback is recent",
        _nps_detractor,
        "judgement",
        reads="events",
    ),
    Signal(
        "high_effort",
        28,
        "how much trouble it was",
        "办理费力",
        "of the latest callback with `effort` it is < `low_score`, and that callback is recent",
        _high_effort,
        "judgement",
        reads="events",
    ),
)
"""What the customer thought of a visit."""
