"""Computes by how much scores of one site differ by weekday.

What differs everywhere is no matter of the site: `hour_of_week` computes that.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.baseline import Past, shrink, variance_between
from voc_stream.alerts.detection.overdispersion import (
    DAYS_A_WEEK,
    DayScores,
    Scatter,
    add_scatters,
    day_by_day,
    scatter_of,
    weeks_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

Pattern: TypeAlias = tuple[float, ...]
"""By how many points scores of each weekday lie above the site's mean, from Monday on."""
NO_PATTERN: Pattern = (0.0,) * DAYS_A_WEEK
FEWEST_DAYS = 14
"""From fewer days than two of each weekday, nobody knows what a weekday does."""


def without_weekdays(days: Iterable[DayScores], pattern: Pattern) -> list[DayScores]:
    """The days as they would have been on a usual weekday.

    >>> without_weekdays([DayScores(7, 10, 70.0)], (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    [DayScores(day=7, scores=10, total=80.0)]
    """
    return [
        day._replace(total=day.total - day.scores * pattern[day.day % DAYS_A_WEEK]) for day in days
    ]


def pool_experiences(experiences: Iterable[Sequence[DayScores]]) -> list[DayScores]:
    """The days of one site over its experiences, each compared with its own mean.

    >>> pool_experiences([[DayScores(0, 1, 9.0), DayScores(1, 1, 7.0)], [DayScores(1, 4, 20.0)]])
    [DayScores(day=0, scores=1, total=1.0), DayScores(day=1, scores=5, total=-1.0)]
    """
    pooled: dict[int, tuple[float, float]] = defaultdict(lambda: (0, 0.0))
    for days in experiences:
        scores = sum(day.scores for day in days)
        mean = sum(day.total for day in days) / scores if scores > 0 else 0.0
        for day in days:
            before = pooled[day.day]
            pooled[day.day] = (
                before[0] + day.scores,
                before[1] + day.total - day.scores * mean,
            )
    return [DayScores(day, *sums) for day, sums in sorted(pooled.items())]


def weekday_pattern(pooled: Sequence[DayScores], variance: float) -> tuple[Pattern, float]:
    """A site's own weekday pattern, and how many degrees of freedom went into it.

    Days of the same weekday show how far days scatter by themselves. What weekdays differ beyond
    that is drawn towards nothing, the more so the less is known.

    Args:
        pooled: the days of one site over its experiences, as `pool_experiences` gives them.
        variance: of single scores, in points squared.

    >>> pattern, used = weekday_pattern(
    ...     [DayScores(day, 100, 200.0 if day % 7 == 5 else 0.0) for day in range(56)], 4.0)
    >>> [round(points, 2) for points in pattern], round(used, 1)
    ([-0.28, -0.28, -0.28, -0.28, -0.28, 1.7, -0.28], 5.9)
    """
    heard = [day for day in pooled if day.scores > 0]
    weekdays: dict[int, list[DayScores]] = defaultdict(list)
    for day in heard:
        weekdays[day.day % DAYS_A_WEEK].append(day)
    if len(heard) < max(FEWEST_DAYS, 2 * len(weekdays)) or variance <= 0:
        return NO_PATTERN, 0.0
    of_equals = [scatter_of(days, variance) for days in weekdays.values()]
    within = variance * max(
        1.0,
        sum(each.squares for each in of_equals) / max(1.0, sum(each.freedom for each in of_equals)),
    )
    past = {
        weekday: Past(scores, sum(day.total for day in days) / scores)
        for weekday, days in weekdays.items()
        if (scores := sum(day.scores for day in days)) > 0
    }
    between = variance_between(list(past.values()), within)
    scores = sum(each.scores for each in past.values())
    mean = sum(each.scores * each.mean for each in past.values()) / scores
    drawn = {weekday: shrink(each, mean, within, between)[0] for weekday, each in past.items()}
    centre = sum(past[weekday].scores * drawn[weekday] for weekday in past) / scores
    used = sum(
        between / (between + within / each.scores) if between > 0 else 0.0 for each in past.values()
    )
    pattern = tuple(drawn.get(weekday, centre) - centre for weekday in range(DAYS_A_WEEK))
    return pattern, used * (len(past) - 1) / len(past)


class SiteDays(NamedTuple):
    """What the days of one site say.

    Attributes:
        pattern: its own weekday pattern.
        daily: how far its days lie from those before once the pattern is taken off, over its
            experiences.
        weekly: how far its weeks lie apart then.
    """

    pattern: Pattern
    daily: Scatter
    weekly: Scatter


def days_of_site(experiences: Sequence[tuple[Sequence[DayScores], float]]) -> SiteDays:
    """What the days of one site say.

    Args:
        experiences: of each experience of the site the days, and the variance of its single scores.

    >>> quiet = [DayScores(day, 10, 80.0) for day in range(56)]
    >>> found = days_of_site([(quiet, 4.0)])
    >>> found.pattern == NO_PATTERN, found.daily
    (True, Scatter(squares=0.0, freedom=55.0))
    """
    scores = [sum(day.scores for day in days) for days, _ in experiences]
    if sum(scores) <= 0:
        return SiteDays(NO_PATTERN, Scatter(), Scatter())
    variance = sum(
        n * variance for n, (_, variance) in zip(scores, experiences, strict=True)
    ) / sum(scores)
    pattern, used = weekday_pattern(pool_experiences(days for days, _ in experiences), variance)
    left = [(without_weekdays(days, pattern), variance) for days, variance in experiences]
    daily = add_scatters(day_by_day(days, variance) for days, variance in left)
    return SiteDays(
        pattern,
        daily._replace(freedom=max(0.0, daily.freedom - used)),
        add_scatters(scatter_of(weeks_of(days), variance) for days, variance in left),
    )
