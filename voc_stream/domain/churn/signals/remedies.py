"""Declares the signals of what a complaint was about, and what the customer was given for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading
from voc_stream.domain.churn.signals.signal import Signal
from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Terms
    from voc_stream.domain.churn.facts import CustomerFacts


def _price_complaint(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    return _latest(
        terms,
        [one for one in _complaints(facts) if one.category in terms.prices],
    )


def _compensation(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    return _latest(terms, [one for one in _complaints(facts) if one.compensation])


def _complaints(facts: CustomerFacts) -> Sequence[Complaint]:
    return [one for one in facts.events if isinstance(one, Complaint)]


def _latest(terms: Terms, found: Sequence[Complaint]) -> Sequence[Course]:
    return (Fading(found[0].occurred_at, terms.window),) if found else ()


REMEDIES = (
    Signal(
        "price_complaint",
        24,
        "a complaint about the price",
        "投诉价格",
        "the latest step of a complaint with a `category` of the factor `price` is recent",
        _price_complaint,
        reads="events",
    ),
    Signal(
        "compensation",
        25,
        "a compensation that was given",
        "已获补偿",
        "the latest step of a complaint with a `compensation` above 0 is recent",
        _compensation,
        reads="events",
    ),
)
"""About what, and what was given."""
