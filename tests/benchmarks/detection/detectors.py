"""Detectors over many keys at once: ours, and those that it is compared with. Rows are keys; scores come a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from voc_stream.domain.detection.baseline import Past, baseline_of
from voc_stream.domain.detection.charts import SHIFTS, charts_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.detection.world import Numbers, World

FEWEST = 20
"""Scores in the shortest window."""


class Volume(NamedTuple):
    """How many scores a key gets.

    Attributes:
        name: for people.
        a_day: scores a day.
        unit: what delays are told in.
        a_unit: scores in that time.
    """

    name: str
    a_day: int
    unit: str
    a_unit: int


class Detector(Protocol):
    """A statistic for each key: the higher, the surer of a drop."""

    def take(self, scores: Numbers) -> Numbers:
        """The statistic of each key after these scores, one row a key."""
        ...


class Charts:
    """Ours. The statistic is in nats above the threshold, which it computes: an alarm is above 0."""

    name = "voc_stream"

    def __init__(self, world: World, pasts: list[Past], between: Mapping[int, float], scores_between_false_alarms: float) -> None:
        parameters = np.full((3, len(SHIFTS), len(pasts)), np.nan)
        for key, number in enumerate(world.experience):
            baseline = baseline_of(world.shapes[number], pasts[key], between[number])
            for chart in charts_for(baseline, scores_between_false_alarms):
                parameters[:, SHIFTS.index(chart.shift), key] = (chart.slope, chart.offset, chart.threshold)
        self._slope, self._offset, self._threshold = parameters
        self._sums = np.zeros_like(self._slope)

    def take(self, scores: Numbers) -> Numbers:
        """See Detector."""
        self._sums = np.maximum(0.0, self._sums + self._slope * scores.sum(axis=1) - self._offset * scores.shape[1])
        above: Numbers = np.nanmax(self._sums - self._threshold, axis=0)
        return above

    def forget(self, keys: Numbers) -> None:
        """Begin anew with these keys: their alarm was given."""
        self._sums[:, keys] = 0.0


class PageHinkley:
    """As river's drift.PageHinkley looks downwards, with its defaults; the threshold is what is tuned."""

    name = "Page-Hinkley (river)"
    _DELTA, _ALPHA = 0.005, 0.9999

    def __init__(self, pasts: list[Past]) -> None:
        self._count = np.array([past.scores for past in pasts], dtype=float)
        self._mean = np.array([past.mean for past in pasts])
        self._sum = np.zeros(len(pasts))
        self._greatest = np.zeros(len(pasts))

    def take(self, scores: Numbers) -> Numbers:
        """See Detector."""
        for column in scores.T:
            self._count += 1
            self._mean += (column - self._mean) / self._count
            self._sum = self._ALPHA * self._sum + (column - self._mean) + self._DELTA
            self._greatest = np.maximum(self._greatest, self._sum)
        fallen: Numbers = self._greatest - self._sum
        return fallen


class Windowed:
    """The mean of the last so many scores, compared with a reference."""

    def __init__(self, keys: int, length: int) -> None:
        self._ring = np.zeros((keys, length))
        self._place, self._filled = 0, 0

    def means(self, scores: Numbers) -> Numbers | None:
        """The means after these scores; None until the window is full."""
        for column in scores.T:
            self._ring[:, self._place] = column
            self._place = (self._place + 1) % self._ring.shape[1]
            self._filled += 1
        means: Numbers = self._ring.mean(axis=1)
        return means if self._filled >= self._ring.shape[1] else None


class FixedThreshold:
    """The mean of the last 24 hours against one limit for each experience, as dashboards do it; how far below it is what is tuned."""

    name = "fixed threshold on 24 h"

    def __init__(self, world: World, volume: Volume) -> None:
        self._window = Windowed(len(world.means), max(FEWEST, volume.a_day))
        self._usual = np.array([shape.mean for shape in world.shapes])[world.experience]

    def take(self, scores: Numbers) -> Numbers:
        """See Detector."""
        means = self._window.means(scores)
        return np.full(len(scores), -np.inf) if means is None else self._usual - means


class WeekAgainstFourWeeks:
    """The last week's mean against that of the four weeks of the baseline, in standard errors; how many is what is tuned."""

    name = "week against four weeks"

    def __init__(self, world: World, volume: Volume, pasts: list[Past]) -> None:
        week = 7 * volume.a_day
        self._window = Windowed(len(pasts), week)
        self._usual = np.array([past.mean for past in pasts])
        variance = np.array([shape.variance for shape in world.shapes])[world.experience]
        self._error = np.sqrt(variance / week + variance / np.array([past.scores for past in pasts]))

    def take(self, scores: Numbers) -> Numbers:
        """See Detector."""
        means = self._window.means(scores)
        return np.full(len(scores), -np.inf) if means is None else (self._usual - means) / self._error
