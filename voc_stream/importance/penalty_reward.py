"""Says whether an experience only disappoints, only delights, or both: penalty and reward.

The outcome of those who scored an experience low is compared with that of those in between, and so
is the outcome of those who scored it high. It is what a regression on two dummies gives. If the
penalty is greater than the reward, the experience is taken for granted: a hygiene factor. If the
reward is greater, it is a motivator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from voc_stream.domain.statistics import NORMAL_975

if TYPE_CHECKING:
    from collections.abc import Mapping

Band = Literal["low", "middle", "high"]
Effect = Literal["hygiene", "motivator", "both"]
BANDS: tuple[Band, ...] = ("low", "middle", "high")
LEAST_IN_BAND = 10
"""How many must be in each band: means of fewer say little."""


class Outcomes(NamedTuple):
    """Sums of the outcome over those who scored an experience in one band, in hundredths."""

    n: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        """In points."""
        return self.total / self.n / 100

    @property
    def squared_error(self) -> float:
        """Of the mean, in points squared."""
        spread = self.squares - self.total**2 / self.n
        return max(0.0, spread) / (self.n - 1) / self.n / 10_000


class PenaltyReward(NamedTuple):
    """What a low and what a high score do to the outcome, against a score in between.

    Attributes:
        penalty: points, negative if a low score goes with a lower outcome.
        reward: points.
        asymmetry: reward + penalty, which is -penalty less than reward.
        low, high: the ends of its 95 % interval.
        effect: hygiene if the interval lies below 0, motivator if above, both if it holds 0.
    """

    penalty: float
    reward: float
    asymmetry: float
    low: float
    high: float
    effect: Effect


def penalty_reward(by_band: Mapping[Band, Outcomes]) -> PenaltyReward | None:
    """Compare the bands; None if one of them holds too few.

    >>> found = penalty_reward({
    ...     "low": Outcomes(100, 30_000, 10_000_000), "middle": Outcomes(100, 80_000, 65_000_000),
    ...     "high": Outcomes(100, 85_000, 73_000_000)})
    >>> found.penalty, found.reward, round(found.low, 3), round(found.high, 3), found.effect
    (-5.0, 0.5, -4.972, -4.028, 'hygiene')
    """
    if any(by_band.get(band, Outcomes(0, 0, 0)).n < LEAST_IN_BAND for band in BANDS):
        return None
    low, middle, high = (by_band[band] for band in BANDS)
    penalty, reward = low.mean - middle.mean, high.mean - middle.mean
    asymmetry = penalty + reward
    half = NORMAL_975 * math.sqrt(low.squared_error + high.squared_error + 4 * middle.squared_error)
    ends = asymmetry - half, asymmetry + half
    effect: Effect = "hygiene" if ends[1] < 0 else "motivator" if ends[0] > 0 else "both"
    return PenaltyReward(penalty, reward, asymmetry, *ends, effect)
