"""What customers answer: ordered probit.

Somebody is as content as a normal variable says. Ten limits make a score of 0 to 10 of it. What
moves the mean moves the variable.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.world import VALUES

if TYPE_CHECKING:
    from benchmarks.detection.world import Numbers

    from voc_stream.alerts.detection.distribution import Distribution

_FINENESS = 100
"""Steps a point for which shares are computed."""
LOWEST, HIGHEST = 0.5, 9.9
"""How far the mean of an hour may move, in points."""
_NORMAL = NormalDist()


class Panes(NamedTuple):
    """What was answered, one cell for each hour, site and experience.

    Attributes:
        number: of answers.
        total: of the scores, in points.
        squares: the sum of their squares.
    """

    number: Numbers
    total: Numbers
    squares: Numbers


class Answers:
    """Draws answers whose pooled distribution is `shape`."""

    def __init__(self, shape: Distribution) -> None:
        self.shape = shape
        limits = np.cumsum(shape.shares)[:-1]
        cuts = np.array([_NORMAL.inv_cdf(float(limit)) for limit in limits])
        shifts = np.linspace(-6.0, 6.0, 2401)
        shares = np.array([_shares(cuts, shift) for shift in shifts.tolist()])
        means = shares @ np.array(shape.values)
        steps = np.arange(int(HIGHEST * _FINENESS) + 1) / _FINENESS
        wanted = np.interp(np.maximum(steps, LOWEST), means, shifts)
        self._shares = np.array([_shares(cuts, shift) for shift in wanted.tolist()])
        self._zero = np.eye(1, len(VALUES))[0]

    def draw(
        self, number: Numbers, means: Numbers, zeros: Numbers, random: np.random.Generator
    ) -> tuple[Panes, Numbers]:
        """Answers of cells, and how often each value was given, by the last axis of cells.

        Args:
            number: how many answers each cell has.
            means: what they score on average, in points.
            zeros: the share of people who answer 0 whatever happens; others make up for it.
            random: the source of chance.
        """
        others = np.clip(means / (1 - zeros), LOWEST, HIGHEST)
        shares = self._shares[np.rint(others * _FINENESS).astype(int)]
        if np.any(zeros):
            shares = (1 - zeros)[..., None] * shares + zeros[..., None] * self._zero
        counts = random.multinomial(number, shares)
        panes = Panes(number, counts @ VALUES, counts @ VALUES**2)
        return panes, counts.sum(axis=tuple(range(counts.ndim - 2)))

    def scores(self, means: Numbers, random: np.random.Generator) -> Numbers:
        """One score of each of these means."""
        places = np.rint(np.clip(means, LOWEST, HIGHEST) * _FINENESS).astype(int)
        cumulative = np.cumsum(self._shares[places], axis=-1)[:, :-1]
        scores: Numbers = (random.random((len(means), 1)) > cumulative).sum(axis=-1)
        return scores


def _shares(cuts: Numbers, shift: float) -> Numbers:
    below = np.array([_NORMAL.cdf(cut - shift) for cut in cuts.tolist()])
    shares: Numbers = np.diff(below, prepend=0.0, append=1.0)
    shares /= shares.sum()
    return shares
