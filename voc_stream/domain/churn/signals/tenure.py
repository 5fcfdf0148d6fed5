"""Declares the signals of how long somebody has been a customer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Spell
from voc_stream.domain.churn.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Courses, Terms
    from voc_stream.domain.churn.facts import CustomerFacts

QUARTER, YEAR, TWO_YEARS = timedelta(days=90), timedelta(days=365), timedelta(days=730)
"""The times after which a customer is in the next band."""


def _customer_for(age: timedelta, next_age: timedelta | None) -> Courses:
    def courses(facts: CustomerFacts, _: Terms) -> Sequence[Course]:
        since = facts.customer_since
        if since is None:
            return ()
        return (Spell(since + age, None if next_age is None else since + next_age),)

    return courses


TENURE = (
    Signal(
        "tenure_0d",
        17,
        "a customer for less than three months",
        "成为客户不足三个月",
        "`as_of - customer_since` is less than 90 days",
        _customer_for(timedelta(0), QUARTER),
        reads="profile",
    ),
    Signal(
        "tenure_90d",
        18,
        "a customer for less than a year",
        "成为客户不足一年",
        "`as_of - customer_since` is at least 90 days, and less than 365",
        _customer_for(QUARTER, YEAR),
        reads="profile",
    ),
    Signal(
        "tenure_365d",
        19,
        "a customer for less than two years",
        "成为客户不足两年",
        "`as_of - customer_since` is at least 365 days, and less than 730",
        _customer_for(YEAR, TWO_YEARS),
        reads="profile",
    ),
    Signal(
        "tenure_730d",
        20,
        "a customer for two years or more",
        "成为客户两年以上",
        "`as_of - customer_since` is at least 730 days",
        _customer_for(TWO_YEARS, None),
        reads="profile",
    ),
)
"""Since when somebody has been a customer, in bands; none if nobody said so."""
