"""Lets something happen at a site, waits until the drop is announced, and asks who explains it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.explanation.worlds import GUILTY, answers_of

from voc_stream.alerts.detection.baseline import BASELINE_DAYS, at_mean
from voc_stream.alerts.detection.charts import scores_between_false_alarms, scores_of
from voc_stream.alerts.detection.detector import detector_for, feed, suspicion
from voc_stream.alerts.detection.distribution import distribution_of
from voc_stream.alerts.explanation.groups import Group
from voc_stream.alerts.explanation.reason import find_reason
from voc_stream.alerts.rules.experiences.key_experience_dropped import ESTIMATED_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.detection.world import Numbers
    from benchmarks.explanation.worlds import Answers, World

    from voc_stream.alerts.detection.detector import Detector

KEYS = 6000
LEAST_DROP = 0.5
"""The catalogue's `drop` of key experiences, in points."""
OPENS, OPEN_HOURS = 8, 12
QUIET_DAYS, PAST_DAYS, LONGEST = 7, 28, 2400
EXACT = timedelta(days=2)
"""For how long the answers since the very moment are read; longer drops count by whole days."""
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)


class Told(NamedTuple):
    """What the alert says.

    Attributes:
        scores: how many scores announced the drop.
        named: the value of the group that it names.
        mix: the value of the group whose part of the mix changed.
        answers: since the drop began, as the alert knows.
    """

    scores: int
    named: str | None
    mix: str | None
    answers: Answers

    @property
    def is_guilty_named(self) -> bool:
        """Whether the one who would be guilty is named."""
        return self.named == GUILTY


class Counts(NamedTuple):
    """How many drops were announced, and what was told of them."""

    drops: int
    guilty: int
    innocent: int
    mixes: int


def told_of(world: World, a_day: int, runs: int, random: np.random.Generator) -> list[Told]:
    """What is told of so many sites at which the same happens."""
    return [each for _ in range(runs) if (each := run(world, a_day, random)) is not None]


def count(world: World, told: Sequence[Told]) -> Counts:
    """How often what was told."""
    guilty = sum(world.is_guilty and each.is_guilty_named for each in told)
    named = sum(each.named is not None for each in told)
    mixes = sum(each.mix is not None for each in told)
    return Counts(len(told), guilty, named - guilty, mixes)


def run(world: World, a_day: int, random: np.random.Generator) -> Told | None:
    """One site with so many answers a day; None if no drop is announced by LONGEST answers."""
    before = answers_of(world, (BASELINE_DAYS + QUIET_DAYS) * a_day, random, after=False)
    answers = before.followed_by(answers_of(world, LONGEST, random, after=True))
    detector = _detector(before.scores[: BASELINE_DAYS * a_day], a_day)
    first = BASELINE_DAYS * a_day
    while first < len(answers.scores):
        moment, last = _moment(first, a_day), first + 1
        while last < len(answers.scores) and _moment(last, a_day) == moment:
            last += 1
        detector = feed(detector, scores_of(answers.scores[first:last].tolist(), moment))
        found = suspicion(detector, ESTIMATED_SHARE * LEAST_DROP)
        if found is not None and found.margin > 0:
            now, past = _now_and_past(answers, a_day, found.since, last)
            _, named, _, mix = find_reason(_groups(now, past))
            return Told(
                found.scores,
                named.value if named else None,
                mix.value if mix else None,
                now,
            )
        first = last
    return None


def _moment(number: int, a_day: int) -> datetime:
    """The hour in which an answer is given, from the first day of the past on."""
    day, of_day = divmod(number, a_day)
    return FIRST_DAY + timedelta(days=day, hours=OPENS + of_day * OPEN_HOURS // a_day)


def _detector(past: Numbers, a_day: int) -> Detector:
    """As it is made from the past of the site alone."""
    shape = distribution_of(dict(zip(*np.unique(past, return_counts=True), strict=True)))
    return detector_for(
        at_mean(shape, shape.mean),
        shape.mean,
        (shape.variance / len(past)) ** 0.5,
        len(past),
        scores_between_false_alarms=scores_between_false_alarms(7.0 * a_day, KEYS),
        now=FIRST_DAY,
    )


def _now_and_past(
    answers: Answers, a_day: int, since: datetime, heard: int
) -> tuple[Answers, Answers]:
    """What the evaluator reads: answers since then, and of the four weeks before that day."""
    day = (since - FIRST_DAY).days * a_day
    first = next(number for number in range(day, heard) if _moment(number, a_day) >= since)
    is_exact = _moment(heard - 1, a_day) - since <= EXACT
    past = answers.part(day - PAST_DAYS * a_day, day)
    return answers.part(first if is_exact else day, heard), past


def _groups(now: Answers, past: Answers) -> list[Group]:
    """The groups as the evaluator reads them."""
    return [
        Group._make(
            (
                dimension,
                f"{dimension}-{value}",
                *_sums(now, dimension, value),
                *_sums(past, dimension, value),
            )
        )
        for dimension in now.values
        for value in range(int(max(part.values[dimension].max() for part in (now, past))) + 1)
    ]


def _sums(answers: Answers, dimension: str, value: int) -> tuple[int, float, float]:
    """Number, total and total of squares of the scores of a group."""
    scores = answers.scores[answers.values[dimension] == value]
    return len(scores), float(scores.sum()), float((scores**2).sum())
