"""Computes how levels move by themselves: all sites together, and each on its own.

A baseline is the mean of eight weeks, and is used in the four weeks after them. Within that time a
season lowers all sites, and a team whose members change moves one. Both are told by weeks of the
past, over all sites. Medians are taken over sites and over pairs of weeks (Theil 1950, Sen 1968).
So neither a true drop of some sites nor a bad week of all of them counts as wandering.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.alerts.detection.overdispersion import DayScores

FEWEST_SITES = 5
"""From fewer sites nobody tells what is common to them: one drop could pass for a season."""
FEWEST_WEEKS = 6
"""Weeks that a site needs, so that it can tell a slope."""
STEEPEST = 0.25
"""Points in four weeks that are taken for a season at most. More is no season, but a drop."""
_OF_DEVIATION = 1.4826
"""Standard deviations of a normal variable in one median absolute deviation."""
_OF_MEDIAN = 1.2533
"""Standard errors of a median in those of a mean."""
_UNSURE = 2 * 1.65
"""Two standard errors of a variance from a median absolute deviation, times the root of its n."""
_BLOCK_DAYS = 28


class Wandering(NamedTuple):
    """How levels move.

    Attributes:
        slope: of all sites, in points a day; never above 0.
        deviation: of each site beside that, from one four weeks to the next, in points: a standard
            deviation beyond chance.
    """

    slope: float = 0.0
    deviation: float = 0.0


class Course(NamedTuple):
    """What the eight weeks of one site say.

    Attributes:
        slope: in points a day.
        step: by how many points its last four weeks lie above those before.
        chance: the variance that `step` has by chance, points squared.
    """

    slope: float
    step: float
    chance: float


def course_of(weeks: Sequence[DayScores], variance: float) -> Course | None:
    """What the weeks of one site say; None if there are too few of them.

    Args:
        weeks: of the site over its experiences, each compared with its own mean.
        variance: of single scores, in points squared, times their phi.

    >>> from voc_stream.alerts.detection.overdispersion import DayScores
    >>> course_of([DayScores(7 * week, 100, -7.0 * week) for week in range(8)], 4.0)
    Course(slope=-0.01, step=-0.28, chance=0.02)
    """
    known = [week for week in weeks if week.scores > 0]
    if len(known) < FEWEST_WEEKS:
        return None
    means = [(week.day, week.total / week.scores) for week in known]
    slope = median(
        (after - before) / (later - day)
        for place, (day, before) in enumerate(means)
        for later, after in means[place + 1 :]
    )
    middle = (known[0].day + known[-1].day) / 2
    blocks = [[week for week in known if (week.day > middle) is late] for late in (False, True)]
    numbers = [sum(week.scores for week in block) for block in blocks]
    first, last = (
        sum(week.total for week in block) / number
        for block, number in zip(blocks, numbers, strict=True)
    )
    return Course(slope, round(last - first, 12), variance * sum(1 / number for number in numbers))


def wandering_of(courses: Sequence[Course]) -> Wandering:
    """How levels move, as the courses of sites tell.

    Of the slope only that is taken which one standard error leaves, of the deviation only what two
    leave. So where levels stand still, there is hardly ever one.

    >>> wandering_of([Course(-0.01, -0.28 + site / 100, 0.02) for site in range(9)])
    Wandering(slope=-0.008928571428571428, deviation=0.0)
    >>> wandering_of([Course(-0.01, -0.28, 0.02)] * 4)
    Wandering(slope=0.0, deviation=0.0)
    """
    sites = len(courses)
    if sites < FEWEST_SITES:
        return Wandering()
    slopes = [course.slope for course in courses]
    slope = median(slopes) + _OF_MEDIAN * _deviation(slopes) / math.sqrt(sites)
    spread = _deviation([course.step for course in courses]) ** 2
    chance = median(course.chance for course in courses)
    beyond = spread / (1 + _UNSURE / math.sqrt(sites)) - chance
    return Wandering(max(-STEEPEST / _BLOCK_DAYS, min(0.0, slope)), math.sqrt(max(0.0, beyond)))


def _deviation(numbers: Sequence[float]) -> float:
    """A standard deviation that a minority of outliers does not move."""
    middle = median(numbers)
    return _OF_DEVIATION * median(abs(number - middle) for number in numbers)
