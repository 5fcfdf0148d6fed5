"""Says when a signal is active: as a spell of time, because signals have no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from voc_stream.domain.churn.facts import CustomerFacts


class Spell(NamedTuple):
    """When a signal is active: from `since` on, before `until`. None: since ever, or for ever."""

    since: datetime | None = None
    until: datetime | None = None


class Terms(NamedTuple):
    """What the catalogue's risk model says about signals.

    Attributes:
        window: for how long an incident is a signal.
        low_score: below it a score is low, in hundredths.
    """

    window: timedelta
    low_score: float


if TYPE_CHECKING:
    Active = Callable[[CustomerFacts, Terms], Spell | None]


def after(moment: datetime, age: timedelta, next_age: timedelta | None) -> Spell:
    """From so long after a moment on, until so long after it; None: for ever."""
    return Spell(moment + age, None if next_age is None else moment + next_age)


def recent(moment: datetime, terms: Terms) -> Spell:
    """While something of that moment is remembered."""
    return Spell(None, moment + terms.window)
