"""Declares the signals of how often customers turned to us, and whether we reached them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading, Spell
from voc_stream.domain.churn.signals.signal import Signal
from voc_stream.events.types import Callback, Complaint, Touchpoint
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.domain.churn.courses import Course, Terms
    from voc_stream.domain.churn.facts import CustomerFacts
    from voc_stream.events.types import AnyEvent

MANY_CONTACTS, MANY_FAILURES = 3, 8
_COMPLAINED = ("opened", "reopened")


def _many_contacts(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    contacts = [one.occurred_at for one in facts.events if _is_contact(one)]
    return _at_least(MANY_CONTACTS, contacts, terms)


def _many_failures(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    failures = [one.occurred_at for one in facts.events if _failed(one, terms.low_score)]
    return _at_least(MANY_FAILURES, failures, terms)


def _at_least(count: int, moments: Sequence[datetime], terms: Terms) -> Sequence[Course]:
    """So many of these moments, which begin with the latest, lie within the window."""
    if len(moments) < count:
        return ()
    first = moments[count - 1]
    return (Spell(first, first + terms.window),)


def _is_contact(event: AnyEvent) -> bool:
    return isinstance(event, Touchpoint) or _complains(event)


def _failed(event: AnyEvent, low_score: float) -> bool:
    return _complains(event) or any(hundredths(score) < low_score for _, score, _ in event.scores())


def _complains(event: AnyEvent) -> bool:
    return isinstance(event, Complaint) and event.action in _COMPLAINED


def _unanswered_survey(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    latest = next((one for one in facts.events if isinstance(one, Callback)), None)
    if latest is None or latest.outcome == "completed":
        return ()
    return (Fading(latest.occurred_at, terms.window),)


_MANY = "at least {} of the customer's latest events are recent and {}"

CONTACTS = (
    Signal(
        "failures_8",
        21,
        "one failure after another",
        "屡次服务失败",
        _MANY.format(MANY_FAILURES, "have a score < `low_score`, or open or reopen a complaint"),
        _many_failures,
        reads="events",
    ),
    Signal(
        "contacts_3",
        22,
        "many contacts in a short time",
        "短期内多次联系",
        _MANY.format(MANY_CONTACTS, "are touchpoints, or open or reopen a complaint"),
        _many_contacts,
        reads="events",
    ),
    Signal(
        "unanswered_survey",
        23,
        "a survey without an answer",
        "回访未获回应",
        "the latest callback is recent, and its `outcome` is not `completed`",
        _unanswered_survey,
        reads="events",
    ),
)
"""Who turned to us, and who did not answer."""
