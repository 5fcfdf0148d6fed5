"""Detectors over many keys at once: those that ours is compared with.

Scores come one of each key at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from benchmarks.detection.world import Numbers, World

    from voc_stream.alerts.detection.baseline import Past

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


class Contestant(Protocol):
    """A statistic for each key: the higher, the surer of a drop."""

    def take(self, scores: Numbers) -> Numbers:
        """The statistic of each key after one more score of each."""
        ...


class PageHinkley:
    """As river's drift.PageHinkley looks downwards, with its defaults.

    The threshold is what is tuned.
    """

    name = "Page-Hinkley (river)"
    _DELTA, _ALPHA = 0.005, 0.9999

    def __init__(self, past_weeks: list[Past]) -> None:
        self._count = np.array([past.scores for past in past_weeks], dtype=float)
        self._mean = np.array([past.mean for past in past_weeks])
        self._sum = np.zeros(len(past_weeks))
        self._greatest = np.zeros(len(past_weeks))

    def take(self, scores: Numbers) -> Numbers:
        """See Contestant."""
        self._count += 1
        self._mean += (scores - self._mean) / self._count
        self._sum = self._ALPHA * self._sum + (scores - self._mean) + self._DELTA
        self._greatest = np.maximum(self._greatest, self._sum)
        fallen: Numbers = self._greatest - self._sum
        return fallen


class Windowed:
    """The mean of the last so many scores, compared with a reference."""

    def __init__(self, keys: int, length: int) -> None:
        self._ring, self._total = np.zeros((length, keys), dtype=np.int8), np.zeros(keys)
        self._seen = 0

    def means(self, scores: Numbers) -> Numbers | None:
        """The means after these scores; None until the window is full."""
        length = len(self._ring)
        self._total += scores - self._ring[self._seen % length]
        self._ring[self._seen % length] = scores
        self._seen += 1
        return self._total / length if self._seen >= length else None


class FixedThreshold:
    """The mean of the last 24 hours against one limit for each experience, as dashboards do it.

    How far below the limit is what is tuned.
    """

    name = "fixed threshold on 24 h"

    def __init__(self, world: World, volume: Volume) -> None:
        self._window = Windowed(len(world.means), max(FEWEST, volume.a_day))
        self._usual = np.array([shape.mean for shape in world.shapes])[world.experience]

    def take(self, scores: Numbers) -> Numbers:
        """See Contestant."""
        means = self._window.means(scores)
        return np.full(len(scores), -np.inf) if means is None else self._usual - means


class WeekAgainstFourWeeks:
    """The last week's mean against that of four weeks before it began, in standard errors.

    How many is what is tuned.
    """

    name = "week against four weeks"

    def __init__(self, world: World, volume: Volume, past_weeks: list[Past]) -> None:
        week = 7 * volume.a_day
        self._window = Windowed(len(past_weeks), week)
        self._usual = np.array([past.mean for past in past_weeks])
        variance = np.array([shape.variance for shape in world.shapes])[world.experience]
        self._error = np.sqrt(
            variance / week + variance / np.array([past.scores for past in past_weeks])
        )

    def take(self, scores: Numbers) -> Numbers:
        """See Contestant."""
        means = self._window.means(scores)
        return (
            np.full(len(scores), -np.inf) if means is None else (self._usual - means) / self._error
        )
