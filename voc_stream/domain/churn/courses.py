"""Says how much a signal weighs over time: in steps, because signals have no clock.

Steps, and no curve: between two of them a risk does not change, so that it is known when it must be
computed again, and a row holds until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from voc_stream.domain.churn.facts import CustomerFacts

FADING_PARTS = 6
"""In so many equal steps an incident is forgotten; an assumption."""
RISING_PARTS = 4
"""In so many equal steps an open complaint gets as bad as one never resolved; an assumption."""


class Terms(NamedTuple):
    """What the catalogue says about signals.

    Attributes:
        window: for how long an incident is a signal.
        low_score: below it a score is low, in hundredths.
        resolve_within: by severity, how long a complaint may wait for its resolution.
        prices: the experiences whose factor is the price.
    """

    window: timedelta
    low_score: float
    resolve_within: Mapping[str, timedelta]
    prices: frozenset[str] = frozenset()


class Course(Protocol):
    """How much something weighs over time: 0 is nothing, and 1 is all of its signal."""

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """The weight at a moment, and when it changes next.

        None: it is not there (any more); it never changes.
        """


if TYPE_CHECKING:
    Courses = Callable[[CustomerFacts, Terms], Sequence[Course]]


class Spell(NamedTuple):
    """All of its weight from a moment on, before another; None: for ever."""

    since: datetime
    until: datetime | None

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """See `Course`."""
        if as_of < self.since:
            return None, self.since
        if self.until is None or as_of < self.until:
            return 1.0, self.until
        return None, None


class Level(NamedTuple):
    """A weight that time does not change."""

    weight: float

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """See `Course`."""
        del as_of
        return self.weight, None


class Fading(NamedTuple):
    """Something of a moment, forgotten in equal steps until the window is over.

    >>> from datetime import datetime, timedelta, UTC
    >>> start = datetime(2026, 1, 5, tzinfo=UTC)
    >>> course = Fading(start, timedelta(days=180))
    >>> [course.at(start + timedelta(days=days))[0] for days in (0, 29, 90, 179, 180)]
    [1.0, 1.0, 0.5, 0.16666666666666666, None]
    """

    moment: datetime
    window: timedelta

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """See `Course`."""
        passed, next_step = _passed(self.moment, self.window, FADING_PARTS, as_of)
        weight = (FADING_PARTS - passed) / FADING_PARTS if passed < FADING_PARTS else None
        return weight, next_step


class FadingFrom(NamedTuple):
    """Something that begins at a moment, and is forgotten as what fades is."""

    moment: datetime
    window: timedelta

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """See `Course`."""
        if as_of < self.moment:
            return None, self.moment
        return Fading(self.moment, self.window).at(as_of)


class Rising(NamedTuple):
    """Something that is not over: it rises in equal steps until its limit has passed, and stays."""

    moment: datetime
    limit: timedelta

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """See `Course`."""
        passed, next_step = _passed(self.moment, self.limit, RISING_PARTS, as_of)
        return passed / RISING_PARTS, next_step


def _passed(
    moment: datetime, whole: timedelta, parts: int, as_of: datetime
) -> tuple[int, datetime | None]:
    """How many of so many equal parts of a time have passed, and when the next one has."""
    width = whole / parts
    passed = (as_of - moment) // width if as_of > moment else 0
    return (parts, None) if passed >= parts else (passed, moment + width * (passed + 1))
