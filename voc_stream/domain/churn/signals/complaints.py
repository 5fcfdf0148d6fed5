"""Declares the signals of complaints: each complaint is a cause of leaving by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading, Level, Rising
from voc_stream.domain.churn.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Courses, Terms
    from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts

QUICKLY = timedelta(hours=24)
MOST_COMPLAINTS = 5
"""So many open complaints of a severity, and so many resolved ones, count; more hardly matter."""
RESOLVED_STATES = ("resolved", "informed", "closed")
ENDED_STATES = ("closed", "withdrawn")


def _open_ones(severity: str) -> Courses:
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


def _resolved_ones(severity: str, *, quickly: bool) -> Courses:
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


def _unresolved_ones(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    """Each complaint that ended without a resolution, which fades."""
    return [Fading(one.ended_at, terms.window) for one in facts.complaints if one.ended_at]


def _was_quick(one: ComplaintFacts) -> bool:
    return one.time_to_resolve is not None and one.time_to_resolve <= QUICKLY


_RESOLVED = "each {} complaint that was resolved, recently, {}; of all the five resolved last"
_QUICK, _SLOW = "within a day", "after more than a day, or nobody knows when it was opened"
_OPEN = "each {} complaint that is open, of the five that are open longest"

COMPLAINTS = (
    Signal(
        "open_complaint_major",
        0,
        "a major complaint that is open",
        "重大投诉未解决",
        _OPEN.format("major"),
        _open_ones("major"),
        "complaint",
        rises_from="resolved_complaint_major",
    ),
    Signal(
        "open_complaint_minor",
        1,
        "a minor complaint that is open",
        "一般投诉未解决",
        _OPEN.format("minor"),
        _open_ones("minor"),
        "complaint",
        rises_from="resolved_complaint_minor",
    ),
    Signal(
        "resolved_complaint_major",
        2,
        "a major complaint that took long to resolve",
        "重大投诉解决缓慢",
        _RESOLVED.format("major", _SLOW),
        _resolved_ones("major", quickly=False),
        "complaint",
    ),
    Signal(
        "resolved_complaint_minor",
        3,
        "a minor complaint that took long to resolve",
        "一般投诉解决缓慢",
        _RESOLVED.format("minor", _SLOW),
        _resolved_ones("minor", quickly=False),
        "complaint",
    ),
    Signal(
        "resolved_quickly_major",
        4,
        "a major complaint, though quickly resolved",
        "曾有重大投诉（已快速解决）",
        _RESOLVED.format("major", _QUICK),
        _resolved_ones("major", quickly=True),
        "complaint",
    ),
    Signal(
        "resolved_quickly_minor",
        5,
        "a minor complaint, though quickly resolved",
        "曾有一般投诉（已快速解决）",
        _RESOLVED.format("minor", _QUICK),
        _resolved_ones("minor", quickly=True),
        "complaint",
    ),
    Signal(
        "unresolved_complaint",
        29,
        "a complaint that ended without a resolution",
        "投诉未解决即结束",
        "each complaint that the customer's latest events name, whose state is `closed` or"
        " `withdrawn`, without `resolved_at`; its `closed_at` or `withdrawn_at` is recent",
        _unresolved_ones,
        "complaint",
        reads="events",
    ),
)
"""The complaints that are open, were resolved, or ended otherwise."""
