"""What is known of answers, as the product's tables hold it; arrays here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.detection.world import VALUES
from benchmarks.detection.worlds.effects import DAYS_A_WEEK, OPEN_HOURS

from voc_stream.alerts.detection.baseline import BASELINE_DAYS, Past
from voc_stream.alerts.detection.charts import Scores
from voc_stream.alerts.detection.distribution import Distribution, distribution_of
from voc_stream.alerts.detection.hour_of_week import hour_of_week, rhythm_of
from voc_stream.alerts.detection.overdispersion import DayScores
from voc_stream.alerts.detection.settling import day_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.detection.world import Numbers
    from benchmarks.detection.worlds.answers import Panes
    from benchmarks.detection.worlds.history import Size

_FIRST = datetime(2026, 1, 19, tzinfo=UTC)
FIRST_DAY = day_number(_FIRST)
"""The number that the product gives the first day."""
_OPENS_AT = 8
_RHYTHM_DAYS = 28
_ENOUGH_FOR_A_SHAPE, _IMAGINED = 5_000, 0.5


def moment_of(hour: int) -> datetime:
    """When an open hour begins; hours are numbered through."""
    day, of_day = divmod(hour, OPEN_HOURS)
    return _FIRST + timedelta(days=day, hours=_OPENS_AT + of_day)


def hour_of(moment: datetime) -> int:
    """The open hour that begins at a moment, or the next one."""
    day, rest = divmod(moment - _FIRST, timedelta(days=1))
    of_day = -((timedelta(hours=_OPENS_AT) - rest) // timedelta(hours=1))
    return day * OPEN_HOURS + min(OPEN_HOURS, max(0, of_day))


class Tables:
    """Sums by hour, site and experience."""

    def __init__(self, size: Size) -> None:
        shape = (size.days * OPEN_HOURS, size.sites, size.experiences)
        self.number, self.total, self.squares = (np.zeros(shape) for _ in range(3))
        self.values = np.zeros((size.days, size.experiences, len(VALUES)))

    def learn(self, hours: range, sites: Numbers, panes: Panes) -> None:
        """Put answers in."""
        where = np.ix_(np.array(hours), sites)
        self.number[where], self.total[where], self.squares[where] = panes

    def hours(self, hours: range, site: int, experience: int) -> list[Scores]:
        """The hours of a key in which something was answered, in their order."""
        part = slice(hours.start, hours.stop)
        return scores_of_hours(
            hours,
            *(table[part, site, experience] for table in (self.number, self.total, self.squares)),
        )

    def days(self, first: int, end: int) -> tuple[Numbers, Numbers]:
        """Number and total of each day, site and experience from one day to before another."""
        part = slice(max(0, first) * OPEN_HOURS, end * OPEN_HOURS)
        number, total = self.number[part], self.total[part]
        shape = (-1, OPEN_HOURS, *number.shape[1:])
        return number.reshape(shape).sum(axis=1), total.reshape(shape).sum(axis=1)

    def shape(self, experience: int, day: int) -> Distribution:
        """How an experience is scored at all sites: of the latest days before a day."""
        counts = np.zeros(len(VALUES))
        for ago in range(1, BASELINE_DAYS + 1):
            counts += self.values[day - ago, experience]
            if counts.sum() >= _ENOUGH_FOR_A_SHAPE:
                break
        return distribution_of(
            dict(zip(VALUES.tolist(), (counts + _IMAGINED).tolist(), strict=True))
        )

    def rhythm(self, experience: int, day: int, variance: float) -> dict[int, float]:
        """By how many points each hour of the week differs at all sites, before a day."""
        hours = slice((day - _RHYTHM_DAYS) * OPEN_HOURS, day * OPEN_HOURS)
        number, total = self.number[hours, :, experience], self.total[hours, :, experience]
        own = total.sum(axis=0) / np.maximum(1, number.sum(axis=0))
        week = (-1, DAYS_A_WEEK * OPEN_HOURS)
        above = (total - number * own).sum(axis=1).reshape(week).sum(axis=0)
        counts = number.sum(axis=1).reshape(week).sum(axis=0)
        return rhythm_of(
            {
                hour_of_week(moment_of(hours.start + place)): Past(
                    int(count), float(points / count)
                )
                for place, (count, points) in enumerate(zip(counts, above, strict=True))
                if count > 0
            },
            variance,
        )


def scores_of_hours(
    hours: range, number: Numbers, total: Numbers, squares: Numbers
) -> list[Scores]:
    """Hours with answers, as the product's detectors hear them."""
    return [
        Scores(int(one), of_hour, squared, moment_of(hour))
        for hour, one, of_hour, squared in zip(
            hours, number.tolist(), total.tolist(), squares.tolist(), strict=True
        )
        if one
    ]


def days_of(first: int, number: Sequence[float], total: Sequence[float]) -> list[DayScores]:
    """Days with answers, as the product's baselines are made of them."""
    return [
        DayScores(FIRST_DAY + first + place, int(of_day), points)
        for place, (of_day, points) in enumerate(zip(number, total, strict=True))
        if of_day
    ]
