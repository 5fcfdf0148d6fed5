"""Measures false alarms in a world, and how long a true drop takes to be announced."""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.worlds.answers import Panes
from benchmarks.detection.worlds.effects import DAYS_A_WEEK, OPEN_HOURS
from benchmarks.detection.worlds.evaluator import ALL, Evaluator, Key
from benchmarks.detection.worlds.history import History

from voc_stream.alerts.detection.baseline import BASELINE_DAYS, RENEWED_AFTER_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.detection.worlds.answers import Answers
    from benchmarks.detection.worlds.arrival import Step
    from benchmarks.detection.worlds.history import Size, World

PAST_DAYS = BASELINE_DAYS + RENEWED_AFTER_DAYS
"""Baselines are as old as they are in an installation that has run for long."""
TRIED_EVERY = 4 * DAYS_A_WEEK + 2
"""Days from one moment at which drops are tried to the next: any day of the week."""
LONGEST_UPLOAD = 2 * DAYS_A_WEEK
"""Days that answers may be on their way."""


class Measured(NamedTuple):
    """What came of a world.

    Attributes:
        at_sites: false alarms about keys of sites.
        at_all: false alarms about experiences at all sites.
        key_weeks: how many weeks all keys together were watched.
        delays: for each size of drop in points, how many open hours each one took; infinite
            beyond the longest wait.
    """

    at_sites: int
    at_all: int
    key_weeks: float
    delays: Mapping[float, Sequence[float]]


def measure(
    world: World, size: Size, answers: Answers, seed: int, drops: Mapping[float, int]
) -> Measured:
    """Run a world. `drops` says for each size of drop how many days it is waited for."""
    history, evaluator = History(world, size, answers, seed), Evaluator(size)
    run = _Run(history, evaluator)
    age = np.random.default_rng(seed).integers(
        0, RENEWED_AFTER_DAYS, (size.sites + 1) * size.experiences
    )
    keys = [Key(site, one) for site in range(ALL, size.sites) for one in range(size.experiences)]
    announced: Counter[bool] = Counter()
    found: dict[float, list[float]] = {points: [] for points in drops}
    for day in range(size.days):
        if size.past - RENEWED_AFTER_DAYS <= day < size.past:
            evaluator.renew(
                day, {key for key, ago in zip(keys, age, strict=True) if size.past - day - 1 == ago}
            )
        if day < size.past:
            run.take(day, watched=False)
            continue
        since = day - size.past
        if since % TRIED_EVERY == TRIED_EVERY - 1:
            for points, longest in drops.items():
                if day + longest + LONGEST_UPLOAD < size.days:
                    found[points] += run.delays(day, points, longest)
        evaluator.renew(day)
        announced.update(key.site == ALL for key in run.take(day, watched=True))
    weeks = (size.days - size.past) / DAYS_A_WEEK
    return Measured(announced[False], announced[True], len(keys) * weeks, found)


class _Run:
    """Lets answers arrive, as they were or with a drop."""

    def __init__(self, history: History, evaluator: Evaluator) -> None:
        self._history, self._evaluator = history, evaluator
        self._answered: dict[int, Panes] = {}

    def take(self, day: int, *, watched: bool) -> list[Key]:
        """Let a day pass; returns what was announced."""
        self._answer(day, 0.0)
        announced = []
        for step in self._history.world.arrival(day, self._history.size.sites):
            self._learn(step)
            if watched:
                heard = self._evaluator.hear(step.hours, step.sites)
                announced += self._evaluator.judge(heard, step.hour)
        return announced

    def delays(self, first: int, drop: float, longest: int) -> list[float]:
        """How many open hours pass until each key is announced, if all are lower from a day on.

        Each is judged as if it had fallen alone. What was before stays as it is.
        """
        before, evaluator = self._evaluator, copy.copy(self._evaluator)
        evaluator.detectors = dict(before.detectors)
        waiting = before.quiet(first * OPEN_HOURS)
        found = dict.fromkeys(waiting, math.inf)
        answered, self._answered = self._answered, dict(self._answered)
        begin = (first - LONGEST_UPLOAD) * OPEN_HOURS
        tables = before.number, before.total, before.squares
        kept = [table[begin:].copy() for table in tables]
        self._evaluator = evaluator
        for day in range(first, first + longest):
            self._answer(day, drop)
            for step in self._history.world.arrival(day, self._history.size.sites):
                self._learn(step)
                heard = waiting.intersection(evaluator.hear(step.hours, step.sites))
                for key, one in evaluator.suspicions(heard, step.hour).items():
                    if one.margin >= 0:
                        found[key] = step.hour + 1 - first * OPEN_HOURS
                        waiting.remove(key)
            if not waiting:
                break
        for table, of_before in zip(tables, kept, strict=True):
            table[begin:] = of_before
        self._evaluator, self._answered = before, answered
        return list(found.values())

    def _answer(self, day: int, drop: float) -> None:
        self._answered[day], values = self._history.answers(day, drop)
        self._answered.pop(day - LONGEST_UPLOAD, None)
        if not drop:
            self._evaluator.values[day] = values

    def _learn(self, step: Step) -> None:
        hours = np.array(step.hours)
        for day in np.unique(hours // OPEN_HOURS).tolist():
            of_day = hours[hours // OPEN_HOURS == day]
            where = np.ix_(of_day - day * OPEN_HOURS, step.sites)
            panes = self._answered[day]
            self._evaluator.learn(
                range(int(of_day[0]), int(of_day[-1]) + 1),
                step.sites,
                Panes(*(table[where] for table in panes)),
            )
