"""Running detectors over simulated shops: false alarms, thresholds that give as many to all, and delays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.detection.detectors import Charts, FixedThreshold, PageHinkley, WeekAgainstFourWeeks

from voc_stream.domain.detection.baseline import Past, variance_between
from voc_stream.domain.detection.distribution import tilted_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.detection.detectors import Detector, Volume
    from benchmarks.detection.world import World

BASELINE_DAYS = 28
TOGETHER_SHARE = 1 / 96
"""Of a day's scores are drawn together while nothing happens: those of a quarter of an hour."""
LONGEST_WAIT = 12
"""Times the bound."""


def pasts_of(world: World, volume: Volume, random: np.random.Generator) -> list[Past]:
    """The baseline that was seen of each key."""
    count, total = BASELINE_DAYS * volume.a_day, np.zeros(len(world.means))
    for first in range(0, count, 40):
        total += world.scores(random, min(40, count - first)).sum(axis=1)
    return [Past(count, float(mean)) for mean in total / count]


def between_of(world: World, pasts: list[Past]) -> dict[int, float]:
    """For each experience, the variance between shops as their baselines show it."""
    return {
        number: variance_between([pasts[key] for key in np.flatnonzero(world.experience == number)], shape.variance)
        for number, shape in enumerate(world.shapes)
    }


def detectors(world: World, volume: Volume, pasts: list[Past], between: Mapping[int, float], scores_between: float) -> dict[str, Detector]:
    """One of each kind, for these keys; ours first."""
    return {
        Charts.name: Charts(world, pasts, between, scores_between),
        PageHinkley.name: PageHinkley(pasts),
        FixedThreshold.name: FixedThreshold(world, volume),
        WeekAgainstFourWeeks.name: WeekAgainstFourWeeks(world, volume, pasts),
    }


def false_alarms(ours: Charts, world: World, volume: Volume, weeks: int, random: np.random.Generator) -> float:
    """Alarms a week of ours on stable scores."""
    together, alarms = max(1, int(volume.a_day * TOGETHER_SHARE)), 0
    for _ in range(weeks * 7 * volume.a_day // together):
        over = np.flatnonzero(ours.take(world.scores(random, together)) > 0)
        alarms += len(over)
        ours.forget(over)
    return alarms / weeks


def tuned_threshold(detector: Detector, world: World, volume: Volume, weeks: int, random: np.random.Generator) -> float:
    """The threshold that as many keys pass in these weeks of stable scores as there are weeks; the first week is for warming up."""
    together = max(1, int(volume.a_day * TOGETHER_SHARE))
    greatest = np.full((weeks, len(world.means)), -np.inf)
    for week in range(-1, weeks):
        for _ in range(7 * volume.a_day // together):
            statistics = detector.take(world.scores(random, together))
            if week >= 0:
                greatest[week] = np.maximum(greatest[week], statistics)
    return float(np.sort(greatest, axis=None)[-weeks])


def median_delay(
    detector: Detector, threshold: float, before: World, after: World, *, warm_up: int, limit: int, random: np.random.Generator
) -> float:
    """Scores from the drop to the alarm; infinite where half of the keys have none by `limit`. Who alarms before the drop is left out."""
    for _ in range(0, warm_up, 20):
        statistics = detector.take(before.scores(random, 20))
    counted = statistics <= threshold
    delays = np.full(len(before.means), np.inf)
    for number in range(1, limit):
        delays[(detector.take(after.scores(random, 1)) > threshold) & (delays == np.inf)] = number
        if np.isfinite(delays[counted]).mean() > 0.5:
            break
    return float(np.median(delays[counted]))


def bound(world: World, drop: float, scores_between: float, volume: Volume) -> float:
    """No detector with that time between false alarms is faster on average, in scores: ln(ARL) / information, ARL in the volume's unit."""
    information = []
    for number, mean in zip(world.experience, world.means, strict=True):
        usual = tilted_to(world.shapes[number], float(mean)).distribution
        information.append(tilted_to(usual, usual.mean - drop).information)
    return math.log(scores_between / volume.a_unit) / float(np.median(information))
