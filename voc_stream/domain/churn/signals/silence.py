"""Declares the signals of customers who do not act any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Spell
from voc_stream.domain.churn.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Courses, Terms
    from voc_stream.domain.churn.facts import CustomerFacts

INACTIVE, INACTIVE_LONG = timedelta(days=180), timedelta(days=365)
"""The times without any act of the customer after which a customer may have gone."""


def _inactive_for(age: timedelta, next_age: timedelta | None) -> Courses:
    def courses(facts: CustomerFacts, _: Terms) -> Sequence[Course]:
        heard_at = facts.last_heard_at
        if heard_at is None:
            return ()
        return (Spell(heard_at + age, None if next_age is None else heard_at + next_age),)

    return courses


SILENCE = (
    Signal(
        "inactive_180d",
        11,
        "half a year without a sign of life",
        "半年没有任何往来",
        "`as_of - last_heard_at` is at least 180 days, and less than 365",
        _inactive_for(INACTIVE, INACTIVE_LONG),
    ),
    Signal(
        "inactive_365d",
        12,
        "a year without a sign of life",
        "一年没有任何往来",
        "`as_of - last_heard_at` is at least 365 days",
        _inactive_for(INACTIVE_LONG, None),
    ),
)
"""Who has long not been heard of."""
