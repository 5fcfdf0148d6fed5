"""Computes by how much scores differ by hour of the week everywhere.

So a hard Monday morning is no drop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import Past, shrink, variance_between

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from voc_stream.alerts.detection.charts import Scores

HOURS_A_DAY = 24


def hour_of_week(moment: datetime) -> int:
    """The hour of the week; 0 is the hour from Monday 00:00, in the moment's own time zone.

    >>> from datetime import datetime
    >>> hour_of_week(datetime(2026, 1, 6, 8, 30))
    32
    """
    return moment.weekday() * HOURS_A_DAY + moment.hour


def without_rhythm(scores: Scores, points: float) -> Scores:
    """The scores as they would have been at a usual hour.

    Scores of their hour usually lie `points` above the mean.

    >>> from datetime import UTC, datetime
    >>> from voc_stream.alerts.detection.charts import Scores
    >>> without_rhythm(Scores(2, 7.0, 25.0, datetime(2026, 1, 5, tzinfo=UTC)), 1.0)[:3]
    (2, 5.0, 13.0)
    """
    squares = scores.squares - 2 * points * scores.total + points * points * scores.number
    return scores._replace(total=scores.total - points * scores.number, squares=squares)


def rhythm_of(hours: Mapping[int, Past], variance_within: float) -> dict[int, float]:
    """By how many points the scores of each hour of the week usually lie above the mean.

    A negative number is below it. If an hour's few scores say little, its mean is drawn towards
    that of all hours. If hours do not differ by more than chance, all are 0.

    >>> past = {8: Past(10_000, 7.0), 9: Past(10_000, 9.0)}
    >>> {hour: round(points, 4) for hour, points in rhythm_of(past, 4.0).items()}
    {8: -0.9998, 9: 0.9998}
    """
    scores = sum(past.scores for past in hours.values())
    if scores <= 0:
        return {}
    mean = sum(past.scores * past.mean for past in hours.values()) / scores
    between = variance_between(list(hours.values()), variance_within)
    return {
        hour: shrink(past, mean, variance_within, between)[0] - mean for hour, past in hours.items()
    }


def within_weekdays(rhythm: Mapping[int, float]) -> dict[int, float]:
    """The rhythm without what whole weekdays differ: whoever knows a site's weekdays knows that.

    >>> within_weekdays({8: 1.0, 9: 3.0, 32: -2.0})
    {8: -1.0, 9: 1.0, 32: 0.0}
    """
    of_day: dict[int, list[float]] = {}
    for hour, points in rhythm.items():
        of_day.setdefault(hour // HOURS_A_DAY, []).append(points)
    return {
        hour: points - sum(of_day[hour // HOURS_A_DAY]) / len(of_day[hour // HOURS_A_DAY])
        for hour, points in rhythm.items()
    }
