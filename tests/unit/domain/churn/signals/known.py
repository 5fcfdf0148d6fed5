"""A calm customer, and events as they were decoded."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builders import START, message

from voc_stream.domain.churn.courses import Terms
from voc_stream.domain.churn.facts import CustomerFacts
from voc_stream.domain.churn.signals import SIGNALS
from voc_stream.events.decode import decode_stored

if TYPE_CHECKING:
    from datetime import datetime

    from builders import Event

WINDOW = timedelta(days=180)
TERMS = Terms(
    WINDOW, 600, {"major": timedelta(days=1), "minor": timedelta(days=3)}, frozenset({"price"})
)
CALM = CustomerFacts("u-1", None, None, None, None, (), ())


def weights(facts: CustomerFacts, as_of: datetime = START) -> dict[str, float]:
    """The signals that count at a moment, with their weights."""
    return {
        signal.name: weight
        for signal in SIGNALS
        for course in signal.courses(facts, TERMS)
        if (weight := course.at(as_of)[0]) is not None
    }


def told(*events: Event) -> CustomerFacts:
    """A customer of whom these are the latest events, the latest first."""
    return CALM._replace(events=[decode_stored(message(event), {}) for event in events])
