"""A simulated past and present: sites, what is at work at them, and what was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.world import BETWEEN_SITES
from benchmarks.detection.worlds.answers import HIGHEST, LOWEST, Panes
from benchmarks.detection.worlds.arrival import live
from benchmarks.detection.worlds.effects import OPEN_HOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.detection.world import Numbers
    from benchmarks.detection.worlds.answers import Answers
    from benchmarks.detection.worlds.arrival import Step
    from benchmarks.detection.worlds.effects import Effect


class World(NamedTuple):
    """What is at work.

    Attributes:
        name: for people.
        effects: what moves the scores of a site.
        arrival: when answers become known.
        zeros: the share of people who answer 0 at every fifth site.
        new_sites: how many sites open while they are watched, one in two weeks.
        new_site_level: how many points a new site lies off its later level at first.
        new_site_offset: how many points the level of a new site lies off that of others.
        holidays: whether there are some.
    """

    name: str
    effects: Sequence[Effect] = ()
    arrival: Callable[[int, int], Iterator[Step]] = live
    zeros: float = 0.0
    new_sites: int = 0
    new_site_level: float = 0.0
    new_site_offset: float = 0.0
    holidays: bool = False


class Size(NamedTuple):
    """How much there is.

    Attributes:
        sites: shops.
        experiences: what each of them is judged on.
        a_day: answers of a key on an average day.
        past: days before anything is watched.
        days: in all.
    """

    sites: int
    experiences: int
    a_day: int
    past: int
    days: int


HOLIDAYS_EVERY = 35
"""Days from one holiday to the next."""
_CLOSED = range(3)
_BUSY = (HOLIDAYS_EVERY - 1, len(_CLOSED))
_RUSH, _RUSH_POINTS = 1.5, -0.2
_NEW_EVERY, _SETTLED_AFTER = 14, 28


class History:
    """Everything that is ever answered in a world."""

    def __init__(self, world: World, size: Size, answers: Answers, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.world, self.size, self._answers, self._seed = world, size, answers, seed
        hours = size.days * OPEN_HOURS
        usual = random.normal(answers.shape.mean, BETWEEN_SITES, (size.sites, size.experiences))
        self._usual = np.clip(usual, LOWEST, HIGHEST)
        self._points = np.zeros((hours, size.sites))
        for effect in world.effects:
            self._points += effect(size.days, size.sites, random)
        self._volume = np.full((hours, size.sites), size.a_day / OPEN_HOURS)
        self._zeros = np.where(np.arange(size.sites) % 5 == 0, world.zeros, 0.0)
        if world.holidays:
            self._keep_holidays()
        for number in range(world.new_sites):
            self._open(number, size.past + _NEW_EVERY * (number + 1))

    def answers(
        self, day: int, drop: float = 0.0, sites: Sequence[int] = ()
    ) -> tuple[Panes, Numbers]:
        """The answers of a day by hour, site and experience, and how often each value was given.

        Every key of `sites` is `drop` points lower than it would be.
        """
        random = np.random.default_rng([self._seed, day, round(10 * drop)])
        hours = slice(day * OPEN_HOURS, (day + 1) * OPEN_HOURS)
        lower = np.where(np.isin(np.arange(self.size.sites), sites), drop, 0.0)
        points = self._points[hours] - lower
        means = np.clip(self._usual + points[:, :, None], LOWEST, HIGHEST)
        expected = np.repeat(self._volume[hours, :, None], self.size.experiences, axis=2)
        zeros = np.broadcast_to(self._zeros[:, None], means.shape)
        return self._answers.draw(random.poisson(expected), means, zeros, random)

    def _keep_holidays(self) -> None:
        days = np.arange(self.size.days) % HOLIDAYS_EVERY
        closed = np.repeat(np.isin(days, _CLOSED), OPEN_HOURS)
        busy = np.repeat(np.isin(days, _BUSY), OPEN_HOURS)
        self._volume[closed] = 0.0
        self._volume[busy] *= _RUSH
        self._points[busy] += _RUSH_POINTS

    def _open(self, site: int, day: int) -> None:
        """Let a site open on a day; it needs four weeks to come to its level."""
        self._volume[: day * OPEN_HOURS, site] = 0.0
        self._usual[site] = np.clip(self._usual[site] + self.world.new_site_offset, LOWEST, HIGHEST)
        ages = (np.arange(len(self._points)) / OPEN_HOURS - day) / _SETTLED_AFTER
        self._points[:, site] += self.world.new_site_level * np.clip(1 - ages, 0.0, 1.0)
