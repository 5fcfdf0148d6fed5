"""Declares the signals of how often a customer came: who came often comes again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Level
from voc_stream.domain.churn.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Courses, Terms
    from voc_stream.domain.churn.facts import CustomerFacts

MOST_VISITS = 8
"""Who came so often, or more often, is in the last band."""


def _came(least: int, most: int) -> Courses:
    def courses(facts: CustomerFacts, _: Terms) -> Sequence[Course]:
        return (Level(1.0),) if least <= facts.visits <= most else ()

    return courses


VISITS = (
    Signal(
        "visits_1",
        13,
        "a single visit so far",
        "仅到店一次",
        "the customer has one order",
        _came(1, 1),
        reads="visits",
    ),
    Signal(
        "visits_2",
        14,
        "two or three visits so far",
        "到店两三次",
        "the customer has 2 or 3 orders",
        _came(2, 3),
        reads="visits",
    ),
    Signal(
        "visits_4",
        15,
        "four to seven visits so far",
        "到店四至七次",
        "the customer has 4 to 7 orders",
        _came(4, MOST_VISITS - 1),
        reads="visits",
    ),
    Signal(
        "visits_8",
        16,
        "eight visits or more",
        "到店八次以上",
        "the customer has 8 orders or more",
        _came(MOST_VISITS, MOST_VISITS),
        reads="visits",
    ),
)
"""How many orders there are of the customer, in bands."""
