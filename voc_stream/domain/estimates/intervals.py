"""Computes 95 % intervals: one for each kind of measure, as `domain/scale.py` says.

Each says where the mean, the share or the NPS of all customers lies, whom nobody asked. It holds
that number in at least 93 of 100 samples, for answers as customers give them:
docs/reference/coverage.md tells for which.

All are made of mergeable sums, and take `phi`: how many times as much days scatter as answers that
do not depend on each other would. A half-width is multiplied by its root.

`voc_stream/postgres/schema/expressions/intervals.py` has the same formulas in SQL.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from voc_stream.domain.estimates.student import student_t_975
from voc_stream.domain.statistics import NORMAL_975, wilson_interval

HIGHEST_SUM = 1000
"""The highest score, in hundredths.

Half an answer is imagined there, and half an answer at 0: one answer more, of 5 points, and 50
points squared. Answers that are all 10 do not prove that the next one is.
"""
RARE_LIMITS = (0.0512932944, 0.3553615107, 0.8176914477, 1.3663183897)
"""The means of a Poisson distribution of which 1, 2, 3, 4 or more are seen in 5 of 100 samples."""
RARE_BELOW = ((10, 3), (20, 2))
"""How many answers are rare, of fewer than 10 and of fewer than 20; of more it is RARE_LIMITS.

Brown, Cai and DasGupta (Statistical Science 16, 2001) take 2 up to 50 answers and then 3. With
these the least coverage over all shares is better.
"""
NPS_ADDED, NPS_ADDED_EACH = 3.0, 0.75
NPS_FEWEST_FOR_NORMAL = 6


class Interval(NamedTuple):
    """Both ends, in the unit of what it is about."""

    low: float
    high: float


def of_bounded_mean(n: int, score_sum: int, score_sq_sum: int, phi: float = 1.0) -> Interval:
    """Of the mean of scores from 0 to 10: Student's, with half an answer at each end of the scale.

    Args:
        n: answers, at least 1.
        score_sum: their sum, in hundredths of a point.
        score_sq_sum: the sum of their squares, in hundredths squared.
        phi: by how much days scatter, at least 1.

    >>> [round(end, 6) for end in of_bounded_mean(5, 5000, 5_000_000)]
    [5.989342, 10.0]
    >>> of_bounded_mean(2, 1700, 1_490_000)
    Interval(low=0.0, high=10.0)
    """
    _require(n)
    total = score_sum + HIGHEST_SUM // 2
    # So many times their number as they scatter: exact, because these are whole numbers.
    spread = (n + 1) * (score_sq_sum + HIGHEST_SUM**2 // 2) - total**2
    centre = total / (n + 1) / 100
    half = student_t_975(n) * math.sqrt(spread / n / (n + 1)) / 100 * math.sqrt(1 / (n + 1))
    return _around(centre, centre - half, centre + half, phi, (0.0, HIGHEST_SUM / 100))


def of_share(count: int, n: int, phi: float = 1.0) -> Interval:
    """Of a share, 0 to 1: Wilson's, and beyond it what rare answers allow.

    Wilson's interval holds a share near 0 or 1 too seldom, if a few answers differ from all others:
    0.97 in 86 of 100 samples of five. There the outer end is the limit of Poisson.

    Raises ValueError if there is no answer.

    >>> [round(end, 6) for end in of_share(7, 10)]
    [0.396778, 0.892209]
    >>> [round(end, 6) for end in of_share(4, 5)]
    [0.375535, 0.989741]
    """
    _require(n)
    low, high = wilson_interval(count, n)
    squared = NORMAL_975**2 / n
    centre = (count / n + squared / 2) / (1 + squared)
    low = min(low, _rare_limit(count, n))
    high = max(high, 1 - _rare_limit(n - count, n))
    return _around(centre, low, high, phi, (0.0, 1.0))


def _rare_limit(count: int, n: int) -> float:
    rare = next((few for below, few in RARE_BELOW if n < below), len(RARE_LIMITS))
    return RARE_LIMITS[count - 1] / n if 1 <= count <= rare else 1.0


def of_nps(promoters: int, detractors: int, n: int, phi: float = 1.0) -> Interval:
    """Of an NPS, -1 to 1: the adjusted Wald interval.

    Three answers are added, of which three quarters are promoters and three quarters detractors
    (Lewis and Sauro 2021). For fewer than six answers Student's t stands in the place of the normal
    point: with that, the interval held an NPS of 0.88 in 81 of 100 samples of two.

    >>> [round(end, 6) for end in of_nps(3, 1, 6)]
    [-0.267433, 0.711877]
    """
    _require(n)
    counted = n + NPS_ADDED
    promoting, detracting = ((each + NPS_ADDED_EACH) / counted for each in (promoters, detractors))
    centre, seen = promoting - detracting, (promoters - detractors) / n
    quantile = NORMAL_975 if n >= NPS_FEWEST_FOR_NORMAL else student_t_975(n)
    half = quantile * math.sqrt((promoting + detracting - centre**2) / counted)
    low, high = _around(centre, centre - half, centre + half, phi, (-1.0, 1.0))
    return Interval(min(seen, low), max(seen, high))


def of_mean(n: int, score_sum: int, score_sq_sum: int, phi: float = 1.0) -> Interval | None:
    """Of the mean of what has no upper end, such as minutes: Student's; None of one value.

    The sums are of hundredths, as those of scores; the ends are in the unit.

    >>> [round(end, 3) for end in of_mean(2, 2000, 2_500_000)]
    [-53.531, 73.531]
    >>> of_mean(1, 2000, 4_000_000) is None
    True
    """
    _require(n)
    if n == 1:
        return None
    spread = n * score_sq_sum - score_sum**2
    half = student_t_975(n - 1) * math.sqrt(spread / n / (n - 1)) / 100 * math.sqrt(phi / n)
    return Interval(score_sum / n / 100 - half, score_sum / n / 100 + half)


def _around(
    centre: float, low: float, high: float, phi: float, ends: tuple[float, float]
) -> Interval:
    """Both half-widths times the root of `phi`, cut to the ends of the scale."""
    times = math.sqrt(phi)
    # Rounding makes no interval narrower than it is without `phi`.
    return Interval(
        max(ends[0], min(low, centre - times * (centre - low))),
        min(ends[1], max(high, centre + times * (high - centre))),
    )


def _require(n: int) -> None:
    if n < 1:
        raise ValueError("an interval needs at least one answer")
