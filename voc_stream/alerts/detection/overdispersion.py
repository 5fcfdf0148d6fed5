"""Computes by how much scores of one day are alike: the overdispersion phi.

If all customers of a day meet the same queue, or the same tired advisor, then their scores say less
than as many independent ones. Phi is the variance of daily means as a multiple of what independent
scores would give. So each score counts as 1 / phi of an independent one. That is the estimate of
quasi-likelihood (McCullagh and Nelder 1989, ch. 9.2.4) with days as groups.

The variance is that of the differences between a day and the next one (von Neumann 1941). A level
that falls and stays low makes one large difference; it would make each day lie far from the mean.
So a true drop hardly makes scores count less.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DAYS_A_WEEK = 7
MOST_OF_ONE_SITE = 4.0
"""How many times as far as the median site's, weeks of a site may lie apart to count as chance.

More than that has a cause of its own, such as a drop, and says nothing about other sites. By chance
one site in 2,000 gets there: a quarter of chi-squared of seven.
"""


class DayScores(NamedTuple):
    """Scores of one day.

    Attributes:
        day: days since Monday 1970-01-05, UTC; so `day % 7` is the weekday, and 0 is Monday.
        scores: how many.
        total: in points.
    """

    day: int
    scores: float
    total: float


class Scatter(NamedTuple):
    """How far means of days, or of weeks, lie apart. Scatters can be added up.

    Attributes:
        squares: the sum of n (mean of the day - mean)^2, in variances of a score.
        freedom: how much independent scores would give, on average: their degrees of freedom.
    """

    squares: float = 0.0
    freedom: float = 0.0


def scatter_of(days: Sequence[DayScores], variance: float, used: float = 0.0) -> Scatter:
    """How far the means of one key's days lie apart.

    Args:
        days: those of one key; days without a score do not count.
        variance: of single scores, in points squared.
        used: degrees of freedom that went into a pattern taken off these days before.

    >>> scatter_of([DayScores(0, 10, 70.0), DayScores(1, 10, 90.0)], 4.0)
    Scatter(squares=5.0, freedom=1.0)
    """
    heard = [day for day in days if day.scores > 0]
    scores = sum(day.scores for day in heard)
    if len(heard) < 2 or variance <= 0:  # noqa: PLR2004  one day differs from no other
        return Scatter()
    mean = sum(day.total for day in heard) / scores
    squares = sum(day.scores * (day.total / day.scores - mean) ** 2 for day in heard)
    return Scatter(squares / variance, max(0.0, len(heard) - 1 - used))


def day_by_day(days: Sequence[DayScores], variance: float) -> Scatter:
    """How far the means of one key's days lie from those of the day before.

    Args:
        days: those of one key, in their order; days without a score do not count.
        variance: of single scores, in points squared.

    >>> day_by_day([DayScores(0, 10, 70.0), DayScores(1, 10, 90.0)], 4.0)
    Scatter(squares=5.0, freedom=1)
    """
    if variance <= 0:
        return Scatter()
    heard = [(day.scores, day.total / day.scores) for day in days if day.scores > 0]
    squares = sum(
        (after - before) ** 2 * first * second / (first + second)
        for (first, before), (second, after) in pairwise(heard)
    )
    return Scatter(squares / variance, max(0, len(heard) - 1))


def add_scatters(scatters: Iterable[Scatter]) -> Scatter:
    """The scatter of all of them together.

    >>> add_scatters([Scatter(5.0, 1.0), Scatter(3.0, 3.0)])
    Scatter(squares=8.0, freedom=4.0)
    """
    known = list(scatters)
    return Scatter(sum(each.squares for each in known), sum(each.freedom for each in known))


def phi_of(scatter: Scatter, memory: float = 1.0) -> float:
    """The overdispersion of a site: of the scatters of all its experiences together, at least 1.

    `memory` multiplies it; see `memory_of`.

    >>> phi_of(Scatter(8.0, 4.0)), phi_of(Scatter(2.0, 4.0)), phi_of(Scatter())
    (2.0, 1.0, 1.0)
    """
    if scatter.freedom <= 0:
        return 1.0
    return max(1.0, scatter.squares / scatter.freedom) * memory


def weeks_of(days: Iterable[DayScores]) -> list[DayScores]:
    """The same scores by week; `day` is the first day of the week.

    >>> weeks_of([DayScores(0, 10, 70.0), DayScores(6, 10, 90.0), DayScores(7, 1, 8.0)])
    [DayScores(day=0, scores=20, total=160.0), DayScores(day=7, scores=1, total=8.0)]
    """
    found: dict[int, tuple[float, float]] = defaultdict(lambda: (0, 0.0))
    for day, scores, total in days:
        monday = day - day % DAYS_A_WEEK
        before = found[monday]
        found[monday] = (before[0] + scores, before[1] + total)
    return [DayScores(day, *sums) for day, sums in sorted(found.items())]


def memory_of(sites: Iterable[tuple[Scatter, Scatter]]) -> float:
    """By how much more weeks scatter than days, over all sites; at least 1.

    It is above 1 if a bad day is followed by another: phi of days does not see that. A drop makes
    weeks of its site scatter, too, so no site counts more than `MOST_OF_ONE_SITE` times the median.

    Args:
        sites: of each site, the scatter of its days and that of its weeks.

    >>> memory_of([(Scatter(20.0, 10.0), Scatter(12.0, 2.0))]), memory_of([])
    (3.0, 1.0)
    >>> memory_of([(Scatter(10.0, 10.0), Scatter(squares, 2.0)) for squares in (2, 2, 2, 2, 99)])
    1.6
    """
    known = [(daily, weekly) for daily, weekly in sites if weekly.freedom > 0]
    if not known:
        return 1.0
    most = MOST_OF_ONE_SITE * median(weekly.squares / weekly.freedom for _, weekly in known)
    weekly = add_scatters(
        each._replace(squares=min(each.squares, most * each.freedom)) for _, each in known
    )
    return max(1.0, phi_of(weekly) / phi_of(add_scatters(daily for daily, _ in known)))
