"""Says which complaints of a customer are signals, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading, Level, Rising

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Courses, Terms
    from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts

QUICKLY = timedelta(hours=24)
RESOLVED_STATES = ("resolved", "informed", "closed")


def open_ones(severity: str) -> Courses:
    """Each open complaint, which rises until its limit has passed.

    One whose opening is unknown does not rise: nobody knows how long it waits.
    """

    def courses(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
        if not facts.complaints:
            return ()
        limit = terms.resolve_within[severity]
        return [
            Level(0.0) if one.opened_at is None else Rising(one.opened_at, limit)
            for one in facts.complaints
            if one.is_open and one.severity == severity
        ]

    return courses


def resolved_ones(severity: str, *, quickly: bool) -> Courses:
    """Each complaint that was resolved, within a day or not, which fades."""

    def courses(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
        if not facts.complaints:
            return ()
        return [
            Fading(one.resolved_at, terms.window)
            for one in facts.complaints
            if one.resolved_at is not None
            and one.state in RESOLVED_STATES
            and one.severity == severity
            and _was_quick(one) == quickly
        ]

    return courses


def _was_quick(one: ComplaintFacts) -> bool:
    return one.time_to_resolve is not None and one.time_to_resolve <= QUICKLY
