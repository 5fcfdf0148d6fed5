"""95 % intervals, each stated in another way than the pipeline computes it."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import exp, sqrt
from typing import NamedTuple

from oracle.measures import net_promoter_score
from oracle.student import NORMAL_QUANTILE as Z
from oracle.student import t_quantile

WEIGHT_OF_CATALOGUE = 20


class Interval(NamedTuple):
    """Both ends."""

    low: float
    high: float


def score_interval(n: int, total: int, squares: int, phi: float = 1) -> Interval:
    """Of a mean of scores in hundredths, in points.

    To the n answers come two of half a weight: a 0 and a 10. The mean, and how answers scatter
    around it, are those of all n + 2, weighted; Student's t has n degrees of freedom.
    """
    weight = n + 1
    mean = Fraction(total + 500, weight)
    ends = (0 - mean) ** 2 / 2 + (1000 - mean) ** 2 / 2
    scatter = squares - 2 * mean * total + n * mean**2 + ends
    half = t_quantile(n) * sqrt(phi * scatter / n / weight)
    return _cut(float(mean) - half, float(mean) + half, 0, 1000, 100)


def mean_interval(n: int, total: int, squares: int, phi: float = 1) -> Interval | None:
    """Student's, of a mean of anything in hundredths, in units; None of one value."""
    if n == 1:
        return None
    variance = Fraction(n * squares - total**2, n * (n - 1))
    half = t_quantile(n - 1) * sqrt(phi * variance / n)
    return Interval((total / n - half) / 100, (total / n + half) / 100)


def nps_interval(promoters: int, detractors: int, n: int, phi: float = 1) -> Interval:
    """Adjusted Wald: three answers more, three quarters of them promoters, as many detractors.

    Below six answers with Student's t of n degrees of freedom in the place of the normal point.
    """
    score, variance = net_promoter_score(promoters + 0.75, detractors + 0.75, n + 3)  # type: ignore[arg-type]
    seen = (promoters - detractors) / n
    half = (Z if n > 5 else t_quantile(n)) * sqrt(phi * variance / (n + 3))
    low, high = _cut(score - half, score + half, -1, 1)
    return Interval(min(seen, low), max(seen, high))


def share_interval(yes: int, n: int, phi: float = 1) -> Interval:
    """Wilson's, as the two solutions of |p - yes/n| = z sqrt(p (1 - p) / n).

    Few answers that differ from all others could be so many even if they are rarer: up to 3 of
    fewer than 10 answers, 2 of fewer than 20, 4 of more. Then the outer end is the share that gives
    so many or more in 5 of 100 samples, by Poisson.
    """
    share = yes / n
    a, b, c = 1 + Z**2 / n, -(2 * share + Z**2 / n), share**2
    middle, root = -b / (2 * a), sqrt(b * b - 4 * a * c) / (2 * a)
    low, high = middle - root, middle + root
    few = 3 if n < 10 else 2 if n < 20 else 4
    if yes in range(1, few + 1):
        low = min(low, rare_mean(yes) / n)
    if n - yes in range(1, few + 1):
        high = max(high, 1 - rare_mean(n - yes) / n)
    return _cut(middle - sqrt(phi) * (middle - low), middle + sqrt(phi) * (high - middle), 0, 1)


@cache
def rare_mean(count: int) -> float:
    """The mean of a Poisson distribution that gives `count` or more in 5 of 100 samples.

    >>> round(rare_mean(1), 6), round(rare_mean(2), 6)
    (0.051293, 0.355362)
    """
    low, high = 0.0, float(count)
    for _ in range(80):
        mean = (low + high) / 2
        term = below = exp(-mean)
        for number in range(1, count):
            term *= mean / number
            below += term
        low, high = (mean, high) if below > 0.95 else (low, mean)
    return low


def stated_or(total: int, n: int, otherwise: float | None) -> float | None:
    """The mean of what n customers stated, if the catalogue were 20 customers more."""
    if otherwise is None:
        return total / n / 100 if n else None
    return (total / 100 + WEIGHT_OF_CATALOGUE * otherwise) / (n + WEIGHT_OF_CATALOGUE)


def _cut(low: float, high: float, lowest: float, highest: float, by: float = 1) -> Interval:
    return Interval(max(lowest, low) / by, min(highest, high) / by)
