"""Measures false alarms in a world, and how long a true drop takes to be announced."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.worlds.answers import Panes
from benchmarks.detection.worlds.arrival import known_at
from benchmarks.detection.worlds.effects import DAYS_A_WEEK, OPEN_HOURS
from benchmarks.detection.worlds.evaluator import ALL, Evaluator, Key
from benchmarks.detection.worlds.history import History
from benchmarks.detection.worlds.tables import Tables

from voc_stream.alerts.detection.baseline import BASELINE_DAYS, RENEWED_AFTER_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.detection.worlds.answers import Answers
    from benchmarks.detection.worlds.arrival import Step
    from benchmarks.detection.worlds.history import Size, World

PAST_DAYS = BASELINE_DAYS + RENEWED_AFTER_DAYS
"""Baselines are as old as they are in an installation that has run for long."""
TRIED_EVERY = 18
"""Days from one moment at which drops are tried to the next: any day of the week, half of the ages
of a baseline."""
ONE_IN = 5
"""Each time so many sites fall: every fifth, and others the next time. What is common to all sites
must not take their drop for a season."""
LONGEST_UPLOAD = 2 * DAYS_A_WEEK
"""Days that answers may be on their way."""


class Measured(NamedTuple):
    """What came of a world.

    Attributes:
        at_sites: false alarms about keys of sites.
        at_all: false alarms about experiences at all sites.
        not_borne_out: those that ended since answers that came later did not bear them out.
        key_weeks: how many weeks all keys together were watched.
        delays: for each size of drop in points, how many open hours each one took; infinite
            beyond the longest wait.
    """

    at_sites: int
    at_all: int
    not_borne_out: int
    key_weeks: float
    delays: Mapping[float, Sequence[float]]


def measure(
    world: World, size: Size, answers: Answers, seed: int, drops: Mapping[float, int]
) -> Measured:
    """Run a world. `drops` says for each size of drop how many days it is waited for."""
    run = _Run(History(world, size, answers, seed))
    announced: Counter[bool] = Counter()
    found: dict[float, list[float]] = {points: [] for points in drops}
    for day in range(size.days):
        since = day - size.past
        if since > 0 and since % TRIED_EVERY == 0:
            sites = range(since // TRIED_EVERY % ONE_IN, size.sites, ONE_IN)
            for points, longest in drops.items():
                if day + longest + LONGEST_UPLOAD < size.days:
                    found[points] += run.delays(day, points, longest, sites)
        announced.update(key.site == ALL for key in run.take(day, watched=since >= 0))
    weeks = (size.days - size.past) / DAYS_A_WEEK
    keys = (size.sites + 1) * size.experiences
    return Measured(announced[False], announced[True], run.not_borne_out, keys * weeks, found)


class _Run:
    """Lets answers arrive, as they were or with a drop."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._tables = Tables(history.size)
        self._evaluator = Evaluator(history.size, self._tables)
        self._answered: dict[int, Panes] = {}

    @property
    def not_borne_out(self) -> int:
        """How many alerts ended since later answers did not bear them out."""
        return self._evaluator.not_borne_out

    def take(self, day: int, *, watched: bool) -> list[Key]:
        """Let a day pass; returns what was announced."""
        self._answer(day)
        if watched:
            self._evaluator.begin(day)
        announced = []
        for step in self._history.world.arrival(day, self._history.size.sites):
            self._learn(step)
            if watched:
                heard = self._evaluator.hear(step.hours, step.sites, _end(step))
                announced += self._evaluator.announced(heard)
        return announced

    def delays(self, first: int, drop: float, longest: int, sites: Sequence[int]) -> list[float]:
        """How many open hours pass until each key of some sites is announced.

        All of them are lower from a day on. What was before stays as it is.
        """
        before, answered = self._evaluator, self._answered
        evaluator = self._evaluator = before.fork()
        self._answered = dict(answered)
        waiting = {key for key in evaluator.quiet() if key.site in sites}
        found = dict.fromkeys(waiting, math.inf)
        begin = max(0, first - LONGEST_UPLOAD) * OPEN_HOURS
        tables = self._tables.number, self._tables.total, self._tables.squares
        kept = [table[begin:].copy() for table in tables]
        for day in range(first, first + longest):
            self._answer(day, drop, sites)
            evaluator.begin(day)
            for step in self._history.world.arrival(day, self._history.size.sites):
                self._learn(step)
                fallen = np.intersect1d(step.sites, sites)
                heard = evaluator.hear(step.hours, fallen, _end(step))
                for key in waiting.intersection(heard):
                    at = evaluator.fallen_at(key)
                    if at is not None:
                        found[key] = known_at(step, at) - first * OPEN_HOURS
                        waiting.remove(key)
            if not waiting:
                break
        for table, of_before in zip(tables, kept, strict=True):
            table[begin:] = of_before
        self._evaluator, self._answered = before, answered
        return list(found.values())

    def _answer(self, day: int, drop: float = 0.0, sites: Sequence[int] = ()) -> None:
        self._answered[day], values = self._history.answers(day, drop, sites)
        self._answered.pop(day - LONGEST_UPLOAD, None)
        if not drop:
            self._tables.values[day] = values

    def _learn(self, step: Step) -> None:
        hours = np.array(step.hours)
        for day in np.unique(hours // OPEN_HOURS).tolist():
            of_day = hours[hours // OPEN_HOURS == day]
            where = np.ix_(of_day - day * OPEN_HOURS, step.sites)
            panes = self._answered[day]
            self._tables.learn(
                range(int(of_day[0]), int(of_day[-1]) + 1),
                step.sites,
                Panes(*(table[where] for table in panes)),
            )


def _end(step: Step) -> int:
    """The hour after those that are known with a step."""
    return (step.hours[-1] if step.hour is None else step.hour) + 1
