"""What is at work at sites: by how many points each hour of each site lies off its level.

Hours are numbered through: `OPEN_HOURS` a day. Each effect returns an array of hours by sites.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from benchmarks.detection.world import Numbers

OPEN_HOURS = 12
"""Sites are open from 8 to 20."""
DAYS_A_WEEK = 7
DAYS_A_YEAR = 365


class Scatter(NamedTuple):
    """Chance that all answers of a site's day share, which no detector can foresee.

    Attributes:
        deviation: its standard deviation, in points.
        correlation: with the day before.
    """

    deviation: float
    correlation: float = 0.0


class Effect(Protocol):
    """Something that is at work. `scatter` is what of it nobody can foresee."""

    @property
    def scatter(self) -> tuple[Scatter, ...]:
        """See the class."""
        ...

    def __call__(self, days: int, sites: int, random: np.random.Generator) -> Numbers:
        """See the module."""
        ...


class Common:
    """A pattern of weekdays and hours that all sites share."""

    scatter: tuple[Scatter, ...] = ()

    def __init__(self, deviation: float) -> None:
        self._deviation = deviation

    def __call__(self, days: int, sites: int, random: np.random.Generator) -> Numbers:
        """See the module."""
        week = random.normal(0.0, self._deviation, DAYS_A_WEEK * OPEN_HOURS)
        week += np.repeat(random.normal(0.0, self._deviation, DAYS_A_WEEK), OPEN_HOURS)
        return np.tile(np.resize(week - week.mean(), days * OPEN_HOURS)[:, None], sites)


class OwnWeekdays:
    """Each site has weekdays of its own."""

    scatter: tuple[Scatter, ...] = ()

    def __init__(self, deviation: float) -> None:
        self._deviation = deviation

    def __call__(self, days: int, sites: int, random: np.random.Generator) -> Numbers:
        """See the module."""
        week = random.normal(0.0, self._deviation, (DAYS_A_WEEK, sites))
        return _by_hour(np.resize(week - week.mean(axis=0), (days, sites)))


class DayShocks:
    """A day at a site is better or worse than usual: rain, a server that is down, a crowd."""

    def __init__(self, deviation: float, correlation: float = 0.0) -> None:
        self.scatter = (Scatter(deviation, correlation),)

    def __call__(self, days: int, sites: int, random: np.random.Generator) -> Numbers:
        """See the module."""
        (deviation, correlation) = self.scatter[0]
        shocks = random.normal(0.0, deviation, (days, sites))
        for day in range(1, days):
            shocks[day] *= math.sqrt(1 - correlation**2)
            shocks[day] += correlation * shocks[day - 1]
        return _by_hour(shocks)


class Staff:
    """Three of five are on duty each day, and they differ.

    Attributes:
        leaves_after: days that somebody stays on average; then somebody else takes the place.
    """

    members, on_duty = 5, 3

    def __init__(self, deviation: float, leaves_after: float = math.inf) -> None:
        self._deviation, self._leave = deviation, 1 / leaves_after
        rest = (self.members - self.on_duty) / self.members
        self.scatter = (Scatter(deviation * math.sqrt(rest / self.on_duty)),)

    def __call__(self, days: int, sites: int, random: np.random.Generator) -> Numbers:
        """See the module."""
        found = np.empty((days, sites))
        quality = random.normal(0.0, self._deviation, (sites, self.members))
        for day in range(days):
            gone = random.random(quality.shape) < self._leave
            quality[gone] = random.normal(0.0, self._deviation, gone.sum())
            rota = random.permuted(quality, axis=1)[:, : self.on_duty]
            found[day] = rota.mean(axis=1)
        return _by_hour(found)


class Season:
    """Scores rise and fall by so many points within a year, everywhere."""

    scatter: tuple[Scatter, ...] = ()

    def __init__(self, height: float) -> None:
        self._height = height

    def __call__(self, days: int, sites: int, random: np.random.Generator) -> Numbers:
        """See the module."""
        start = random.uniform(0.0, 2 * math.pi)
        year = np.sin(start + 2 * math.pi * np.arange(days) / DAYS_A_YEAR)
        return _by_hour(np.tile(self._height * year[:, None], sites))


def _by_hour(of_days: Numbers) -> Numbers:
    return np.repeat(of_days, OPEN_HOURS, axis=0)
