"""Computes distributions of scores, and their exponential tilts.

A tilt is, of all distributions with another mean, the one that is hardest to tell apart.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_STEPS = 60
"""More than enough: halving alone would come as close."""
_CLOSE_ENOUGH = 1e-10
"""A step of Newton that is shorter leaves an error of about its square."""
_LONGEST_TILT = 30.0
"""The longest tilt, in units per point: beyond it all weight lies on one value."""


class Distribution(NamedTuple):
    """Shares of scores. `values` are in points, ascending; `shares` add up to 1."""

    values: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean, in points."""
        return sum(value * share for value, share in zip(self.values, self.shares, strict=True))

    @property
    def variance(self) -> float:
        """The variance, in points squared."""
        mean = self.mean
        return sum(
            share * (value - mean) ** 2
            for value, share in zip(self.values, self.shares, strict=True)
        )


class Tilt(NamedTuple):
    """What makes one distribution of another.

    Each share is multiplied by exp(slope * value - log_moment).

    Attributes:
        slope: per point; negative towards lower scores.
        log_moment: the logarithm of the mean of exp(slope * value).
        distribution: the result.
    """

    slope: float
    log_moment: float
    distribution: Distribution

    @property
    def information(self) -> float:
        """How much one score of the tilted distribution tells about the tilt, on average.

        The Kullback-Leibler divergence, in nats.
        """
        return self.slope * self.distribution.mean - self.log_moment


def distribution_of(counts: dict[float, float]) -> Distribution:
    """Shares from counts by value. Raises ValueError for no count at all.

    >>> distribution_of({0.0: 1, 10.0: 3}).mean
    7.5
    """
    total = sum(counts.values())
    if total <= 0:
        raise ValueError("a distribution needs at least one score")
    values = tuple(sorted(value for value, count in counts.items() if count > 0))
    return Distribution(values, tuple(counts[value] / total for value in values))


def tilted_by(distribution: Distribution, slope: float) -> Tilt:
    """The tilt of a given slope.

    >>> tilted_by(Distribution((0.0, 1.0), (0.5, 0.5)), 0.0).distribution.shares
    (0.5, 0.5)
    """
    top = max(slope * value for value in distribution.values)
    weights = [
        share * math.exp(slope * value - top)
        for value, share in zip(distribution.values, distribution.shares, strict=True)
    ]
    total = sum(weights)
    return Tilt(
        slope,
        top + math.log(total),
        Distribution(distribution.values, tuple(weight / total for weight in weights)),
    )


def tilted_to(distribution: Distribution, mean: float) -> Tilt:
    """The tilt with a given mean, in points.

    Raises ValueError for a mean that is not strictly between the least and the greatest value.

    >>> tilt = tilted_to(Distribution((0.0, 10.0), (0.1, 0.9)), 5.0)
    >>> round(tilt.slope, 6), round(tilt.information, 6)
    (-0.219722, 0.510826)
    """
    if not distribution.values[0] < mean < distribution.values[-1]:
        raise ValueError(
            f"no tilt of scores from {distribution.values[0]} to {distribution.values[-1]} has the"
            f" mean {mean}"
        )
    low, high = -_LONGEST_TILT, _LONGEST_TILT
    slope = 0.0
    for _ in range(_STEPS):
        tilt = tilted_by(distribution, slope)
        excess = tilt.distribution.mean - mean
        low, high = (low, slope) if excess > 0 else (slope, high)
        # The variance is the derivative of the mean: Newton's step. If it leaves what is possible,
        # the middle is taken.
        variance = tilt.distribution.variance
        following = slope - excess / variance if variance > 0 else low
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - slope) <= _CLOSE_ENOUGH:
            break
        slope = following
    return tilted_by(distribution, following)
