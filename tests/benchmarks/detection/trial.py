"""Running detectors over simulated shops.

False alarms, thresholds that give as many to all, and delays.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.detection.setting import renewed

from voc_stream.alerts.detection.distribution import tilted_to
from voc_stream.domain.statistics import NORMAL_975

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.detectors import Contestant
    from benchmarks.detection.ours import Charts
    from benchmarks.detection.setting import Setting
    from benchmarks.detection.world import Numbers, World

HALF_A_YEAR = 26
"""In weeks."""


def false_alarms(ours: Charts, setting: Setting, weeks: int, random: np.random.Generator) -> int:
    """Alarms of ours in these weeks of stable scores. Each key is judged alone."""
    alarms = 0
    for _ in range(weeks * 7 * setting.volume.a_day):
        over = np.flatnonzero(ours.take(setting.world.scores(random)) > 0)
        alarms += len(over)
        ours.forget(over)
    return alarms


def interval(count: int) -> tuple[float, float]:
    """The 95 % interval of the mean of a Poisson count.

    Byar's approximation (Breslow and Day 1987, eq. 2.13).
    """
    low = count * (1 - 1 / (9 * count) - NORMAL_975 / (3 * math.sqrt(count))) ** 3 if count else 0.0
    above = count + 1
    return low, above * (1 - 1 / (9 * above) + NORMAL_975 / (3 * math.sqrt(above))) ** 3


def tuned_threshold(
    make: Callable[[Setting], Contestant], setting: Setting, weeks: int, random: np.random.Generator
) -> float:
    """The threshold that as many keys pass in these weeks of stable scores as there are weeks.

    Every half a year the detector begins anew, from another past: some drift farther, the longer
    they run. The first week is not counted.
    """
    greatest = np.full((weeks, len(setting.past_weeks)), -np.inf, dtype=np.float32)
    for week in range(weeks):
        if week % HALF_A_YEAR == 0:
            detector = make(renewed(setting, random))
            run(detector, setting, 7, random)
        for _ in range(7 * setting.volume.a_day):
            np.maximum(
                greatest[week], detector.take(setting.world.scores(random)), out=greatest[week]
            )
    return float(np.sort(greatest, axis=None)[-weeks])


def run(detector: Contestant, setting: Setting, days: int, random: np.random.Generator) -> None:
    """Let a detector hear stable scores for so many days."""
    for _ in range(days * setting.volume.a_day):
        detector.take(setting.world.scores(random))


def delays(
    detector: Contestant,
    threshold: float,
    setting: Setting,
    after: World,
    *,
    limit: int,
    random: np.random.Generator,
    share: float = 0.5,
) -> Numbers:
    """Scores from a drop to the alarm of each key, of a detector that has run.

    The detector stays as it is.

    Infinite where there is none by `limit`, or by when more than `share` of the keys have one. Who
    alarms as the drop comes is left out.
    """
    detector = deepcopy(detector)
    counted = detector.take(setting.world.scores(random)) <= threshold
    found = np.full(len(setting.past_weeks), np.inf)
    for number in range(1, limit):
        found[(detector.take(after.scores(random)) > threshold) & (found == np.inf)] = number
        if np.isfinite(found[counted]).mean() > share:
            break
    return found[counted]


def information(world: World, drop: float) -> float:
    """Of a score after the drop, in nats: the median of every tenth key, for they are alike."""
    found = []
    for number, mean in zip(world.experience[::10], world.means[::10].tolist(), strict=True):
        usual = tilted_to(world.shapes[number], mean).distribution
        found.append(tilted_to(usual, usual.mean - drop).information)
    return float(np.median(found))


def bound(setting: Setting, keys: int, information_of_score: float) -> float:
    """No detector with that time between false alarms is faster on average, in scores.

    It is ln(ARL) / information, with ARL in the volume's unit.
    """
    return math.log(setting.between_alarms(keys) / setting.volume.a_unit) / information_of_score
