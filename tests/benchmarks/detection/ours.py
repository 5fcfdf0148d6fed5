"""Our detector over many keys at once, as the evaluator runs it.

Charts, gates, and a new baseline every four weeks, of eight.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from voc_stream.alerts.detection.baseline import (
    BASELINE_DAYS,
    RENEWED_AFTER_DAYS,
    Past,
    baseline_of,
    shrink,
)
from voc_stream.alerts.detection.charts import SHIFTS, Sum
from voc_stream.alerts.detection.detector import FEWEST_SCORES, Detector, detector_for, is_calm
from voc_stream.alerts.rules.experiences.key_experience_dropped import ESTIMATED_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.detection.setting import Setting
    from benchmarks.detection.world import Numbers

    from voc_stream.alerts.detection.distribution import Distribution

LEAST_DROP = 0.5
"""The catalogue's `drop` of key experiences, in points."""
_ANY_TIME = datetime(2026, 1, 5, tzinfo=UTC)


class Charts:
    """The statistic is in nats above the threshold, which it computes: an alarm is above 0."""

    name = "voc_stream"

    def __init__(self, setting: Setting, keys_in_all: int, random: np.random.Generator) -> None:
        """With thresholds for one false alarm a week over `keys_in_all`.

        `setting` may hold a part of these keys.
        """
        keys = len(setting.past_weeks)
        self._setting, self._scores_between_alarms = setting, setting.between_alarms(keys_in_all)
        self._detectors: list[Detector] = [
            self._detector(key, past) for key, past in enumerate(setting.past_weeks)
        ]
        self._usual = np.zeros(keys)
        self._slope, self._offset, self._threshold = (
            np.zeros((len(SHIFTS), keys)) for _ in range(3)
        )
        self._sums, self._counts, self._totals = (np.zeros((len(SHIFTS), keys)) for _ in range(3))
        self._begin(range(keys))
        # Baselines of different ages, so that a drop comes at any time of the four weeks for which
        # they stand.
        self._made = -random.integers(0, RENEWED_AFTER_DAYS, keys)
        self._days = deque(
            [np.array([past.mean for past in setting.past_weeks]) * setting.volume.a_day]
            * BASELINE_DAYS,
            BASELINE_DAYS,
        )
        self._today, self._taken = np.zeros(keys), 0

    def take(self, scores: Numbers) -> Numbers:
        """See Contestant."""
        self._sums += self._slope * scores
        self._sums -= self._offset
        above = self._sums > 0
        self._sums *= above
        self._counts += 1.0
        self._counts *= above
        self._totals += scores
        self._totals *= above
        self._end_of_day(scores)
        margins = self._sums - self._threshold
        # A count of 0 stands for "at zero": it fails the first gate.
        dropped = (
            self._usual * self._counts - self._totals >= ESTIMATED_SHARE * LEAST_DROP * self._counts
        )
        statistic: Numbers = np.where(
            (self._counts >= FEWEST_SCORES) & dropped, margins, -np.inf
        ).max(axis=0)
        return statistic

    def forget(self, keys: Numbers) -> None:
        """Begin anew with these keys: their alarm was given."""
        for sums in (self._sums, self._counts, self._totals):
            sums[:, keys] = 0.0

    def _end_of_day(self, scores: Numbers) -> None:
        self._today += scores
        self._taken += 1
        day, rest = divmod(self._taken, self._setting.volume.a_day)
        if rest:
            return
        self._days.append(self._today)
        self._today = np.zeros_like(self._today)
        due = [
            key
            for key in np.flatnonzero(day - self._made >= RENEWED_AFTER_DAYS).tolist()
            if is_calm(self.standing(key))
        ]
        count = BASELINE_DAYS * self._setting.volume.a_day
        for key, total in zip(
            due, np.sum([of_day[due] for of_day in self._days], axis=0).tolist(), strict=True
        ):
            self._detectors[key] = self._detector(key, Past(count, total / count))
        self._begin(due)
        self._made[due] = day

    def standing(self, key: int) -> Detector:
        """The detector of one key with its sums as they stand.

        Without the scores that they count.
        """
        detector = self._detectors[key]
        return detector._replace(
            sums=tuple(Sum(value) for value in self._sums[: len(detector.charts), key].tolist())
        )

    def _detector(self, key: int, past: Past) -> Detector:
        number = self._setting.world.experience[key]
        # To a hundredth of a point, so that keys share what is costly to compute.
        past = past._replace(mean=round(past.mean, 2))
        return _detector_of(
            self._setting.world.shapes[number],
            past,
            self._setting.between[number],
            self._scores_between_alarms,
        )

    def _begin(self, keys: Iterable[int]) -> None:
        for key in keys:
            detector = self._detectors[key]
            self._usual[key] = detector.usual
            # If the scale leaves no room for a drop, there is no chart, and its row stays at
            # zero.
            self._slope[:, key], self._offset[:, key], self._threshold[:, key] = 0.0, 1.0, np.inf
            for row, chart in enumerate(detector.charts):
                self._slope[row, key], self._offset[row, key], self._threshold[row, key] = (
                    chart.slope,
                    chart.offset,
                    chart.threshold,
                )
        self.forget(np.array(list(keys), dtype=int))


@lru_cache(maxsize=100_000)
def _detector_of(
    shape: Distribution, past: Past, between: float, scores_between_false_alarms: float
) -> Detector:
    baseline = baseline_of(shape, past, between)
    usual, error = shrink(past, shape.mean, shape.variance, between)
    return detector_for(
        baseline,
        usual,
        error,
        int(past.scores),
        scores_between_false_alarms=scores_between_false_alarms,
        now=_ANY_TIME,
    )
