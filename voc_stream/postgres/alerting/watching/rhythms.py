"""Reads by how many points scores of each hour of the week usually differ.

It is much to read, and hardly changes.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import Past
from voc_stream.alerts.detection.hour_of_week import rhythm_of
from voc_stream.alerts.detection.settling import midnight
from voc_stream.domain.horizons import HOUR
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery
from voc_stream.postgres.rolling.refreshes import minutes
from voc_stream.postgres.schema.expressions.watched import WATCHED_SUM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.detection.distribution import Distribution
    from voc_stream.postgres.session.cursor import Cursor

LENGTH = timedelta(days=28)
"""How far back it looks; panes of an hour are kept for 60 days."""
LONGEST_SECONDS = 10.0
_DIGITS = 2
"""Of points: single late scores do not change what is usual."""


def read_rhythms(
    cursor: Cursor, shapes: Mapping[str, Distribution], day: int
) -> dict[str, dict[int, float]]:
    """By how many points each hour of the week differs in the weeks before a day.

    Nothing if it takes too long to read. Each site is compared with its own mean, so it does not
    matter which sites are open when.
    """
    query = TimeLimitedQuery(cursor, LONGEST_SECONDS, LONGEST_SECONDS)
    rows = query.ask(
        "SELECT experience, hour, sum(n), sum(total - n * mean) / 100 FROM ("
        "  SELECT experience, hour, n, total, sum(total) OVER site / sum(n) OVER site AS mean FROM"
        " ("
        "    SELECT scope, experience, ((extract(isodow FROM start) - 1) * 24 + extract(hour FROM"
        " start))::int AS hour,"
        "           sum(n)::float8 AS n,"
        f" sum({WATCHED_SUM})::float8 AS total"
        "    FROM pane p JOIN experience e USING (experience)"
        "    WHERE resolution = %(resolution)s AND start >= %(first)s AND start < %(end)s"
        "    AND scope_type = 'site'"
        "    AND experience = ANY(%(experiences)s) GROUP BY 1, 2, 3 HAVING sum(n) > 0"
        "  ) hours WINDOW site AS (PARTITION BY scope, experience)"
        ") deviations GROUP BY 1, 2",
        {
            "resolution": minutes(HOUR),
            "first": midnight(day) - LENGTH,
            "end": midnight(day),
            "experiences": sorted(shapes),
        },
    )
    hours: dict[str, dict[int, Past]] = defaultdict(dict)
    for experience, hour, n, deviation in rows:
        hours[experience][hour] = Past(int(n), deviation / n)
    return {
        experience: {
            hour: round(points, _DIGITS)
            for hour, points in rhythm_of(of_week, shapes[experience].variance).items()
        }
        for experience, of_week in hours.items()
    }
