"""Says how much a signal weighs over time: in steps, because signals have no clock.

Steps, and no curve: between two of them a risk does not change, so that it is known when it must be
computed again, and a row holds until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from voc_stream.domain.churn.facts import CustomerFacts

FADING_PARTS = 6
"""In so many equal steps an incident is forgotten; an assumption."""
RISING_PARTS = 4
"""In so many equal steps a complaint that is open gets as bad as one never resolved; an assumption.
"""


class Course(NamedTuple):
    """How much a signal weighs: `first`, and from each moment of `steps` on what stands beside it.

    A weight of 0 is nothing, and 1 is all of the signal. None: the signal is not there. The moments
    ascend.
    """

    first: float | None
    steps: Sequence[tuple[datetime, float | None]] = ()

    def at(self, as_of: datetime) -> tuple[float | None, datetime | None]:
        """The weight at a moment, and when the next step is; None: there is none any more."""
        weight = self.first
        for moment, next_weight in self.steps:
            if moment > as_of:
                return weight, moment
            weight = next_weight
        return weight, None


class Terms(NamedTuple):
    """What the catalogue says about signals.

    Attributes:
        window: for how long an incident is a signal.
        low_score: below it a score is low, in hundredths.
        resolve_within: by severity, how long a complaint may wait for its resolution.
    """

    window: timedelta
    low_score: float
    resolve_within: Mapping[str, timedelta]


if TYPE_CHECKING:
    Courses = Callable[[CustomerFacts, Terms], Sequence[Course]]


def after(moment: datetime, age: timedelta, next_age: timedelta | None) -> Course:
    """From so long after a moment on, until so long after it; None: for ever."""
    begins = (moment + age, 1.0)
    return Course(None, (begins,) if next_age is None else (begins, (moment + next_age, None)))


def fading(moment: datetime, window: timedelta) -> Course:
    """Something of that moment is forgotten in equal steps, until the window is over.

    >>> from datetime import datetime, timedelta, UTC
    >>> course, start = Course(1.0, ()), datetime(2026, 1, 5, tzinfo=UTC)
    >>> course = fading(start, timedelta(days=180))
    >>> [course.at(start + timedelta(days=days))[0] for days in (0, 29, 30, 90, 179, 180)]
    [1.0, 1.0, 0.8333333333333334, 0.5, 0.16666666666666666, None]
    """
    steps = [
        (moment + window * part / FADING_PARTS, (FADING_PARTS - part) / FADING_PARTS)
        for part in range(1, FADING_PARTS)
    ]
    return Course(1.0, (*steps, (moment + window, None)))


def rising(moment: datetime, limit: timedelta) -> Course:
    """Something that is not over rises in equal steps until its limit has passed, and stays."""
    return Course(
        0.0,
        [
            (moment + limit * part / RISING_PARTS, part / RISING_PARTS)
            for part in range(1, RISING_PARTS + 1)
        ],
    )
