"""When answers arrive: which hours of which sites become known, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.worlds.effects import DAYS_A_WEEK, OPEN_HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.detection.world import Numbers


class Step(NamedTuple):
    """What becomes known at once.

    Attributes:
        hour: the open hour after which all of it becomes known, numbered through; None if each
            hour is known when it is over. Where detectors stand is a function of hours, so a day is
            heard at once here, too.
        hours: the hours that become known.
        sites: whose.
    """

    hour: int | None
    hours: range
    sites: Numbers


def live(day: int, sites: int) -> Iterator[Step]:
    """Each hour is known when it is over."""
    yield Step(None, _hours(day), np.arange(sites))


def nightly(day: int, sites: int) -> Iterator[Step]:
    """Each day is uploaded in the night, by all sites."""
    hours = _hours(day)
    yield Step(hours[-1], hours, np.arange(sites))


def in_turn(day: int, sites: int) -> Iterator[Step]:
    """Each week is uploaded on Sunday night, one site after the other."""
    if day % DAYS_A_WEEK == DAYS_A_WEEK - 1:
        week = range((day - DAYS_A_WEEK + 1) * OPEN_HOURS, (day + 1) * OPEN_HOURS)
        for site in range(sites):
            yield Step(week[-1], week, np.array([site]))


def newest_first(day: int, sites: int) -> Iterator[Step]:
    """Each week is uploaded on Sunday night, the newest day first."""
    if day % DAYS_A_WEEK == DAYS_A_WEEK - 1:
        for ago in range(DAYS_A_WEEK):
            yield Step(_hours(day)[-1], _hours(day - ago), np.arange(sites))


def a_week_late(day: int, sites: int) -> Iterator[Step]:
    """A third of the sites upload each day a week late; the others are heard live."""
    late = np.arange(sites) % 3 == 0
    yield Step(None, _hours(day), np.flatnonzero(~late))
    if day >= DAYS_A_WEEK - 1:
        yield Step(_hours(day)[0], _hours(day - DAYS_A_WEEK + 1), np.flatnonzero(late))


def known_at(step: Step, hour: int) -> int:
    """The first open hour in which it is known what an hour of a step brought."""
    return (hour if step.hour is None else step.hour) + 1


def _hours(day: int) -> range:
    return range(day * OPEN_HOURS, (day + 1) * OPEN_HOURS)
