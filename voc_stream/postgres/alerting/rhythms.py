"""Reads by how many points scores of each hour of the week usually differ.

It is read from the tables once in a while.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import Past
from voc_stream.alerts.detection.hour_of_week import rhythm_of
from voc_stream.domain.horizons import HOUR
from voc_stream.postgres.alerting.facts.time_limited_query import TimeLimitedQuery
from voc_stream.postgres.alerting.past_weeks import read_shapes, start_of_today
from voc_stream.postgres.schema.expressions.watched import WATCHED_SUM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.alerts.detection.distribution import Distribution
    from voc_stream.catalogue.model import Catalogue, Experience
    from voc_stream.postgres.session.cursor import Cursor

LENGTH = timedelta(days=28)
"""How far back it looks; panes of an hour are kept for 40 days."""
AGAIN_AFTER = timedelta(hours=1)
LONGEST_SECONDS = 10.0
_MINUTE = timedelta(minutes=1)


class Rhythms:
    """Keeps the rhythms, and reads them once a day: it is much to read, and hardly changes.

    While there are none, it reads every hour.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._experiences: Mapping[str, Experience] = {
            key: one for key, one in catalogue.experience.items() if one.key
        }
        self._found: dict[str, dict[int, float]] = {}
        self._read_at: datetime | None = None

    def points(self, experience: str, hour_of_week: int) -> float:
        """By how many points scores of that hour usually lie above the mean."""
        return self._found.get(experience, {}).get(hour_of_week, 0.0)

    def renew(self, cursor: Cursor, now: datetime) -> None:
        """Read the rhythms if it is time."""
        if (
            self._read_at is None
            or self._read_at < start_of_today(now)
            or (not self._found and now - self._read_at > AGAIN_AFTER)
        ):
            self._read_at = now
            shapes = read_shapes(cursor, self._experiences, now)
            self._found = read_rhythms(
                TimeLimitedQuery(cursor, LONGEST_SECONDS, LONGEST_SECONDS), shapes, now
            )


def read_rhythms(
    query: TimeLimitedQuery, shapes: Mapping[str, Distribution], now: datetime
) -> dict[str, dict[int, float]]:
    """By how many points each hour of the week usually differs, for each experience.

    Nothing if it takes too long to read. Each site is compared with its own mean, so it does not
    matter which sites are open when.
    """
    today = start_of_today(now)
    rows = query.ask(
        "SELECT experience, hour, sum(n), sum(total - n * mean) / 100 FROM ("
        "  SELECT experience, hour, n, total, sum(total) OVER site / sum(n) OVER site AS mean FROM"
        " ("
        "    SELECT scope, experience, ((extract(isodow FROM start) - 1) * 24 + extract(hour FROM"
        " start))::int AS hour,"
        "           sum(n)::float8 AS n,"
        f" sum({WATCHED_SUM})::float8 AS total"
        "    FROM pane p JOIN experience e USING (experience)"
        "    WHERE resolution = %(resolution)s AND start >= %(first)s AND start < %(today)s"
        "    AND scope_type = 'site'"
        "    AND experience = ANY(%(experiences)s) GROUP BY 1, 2, 3 HAVING sum(n) > 0"
        "  ) hours WINDOW site AS (PARTITION BY scope, experience)"
        ") deviations GROUP BY 1, 2",
        {
            "resolution": HOUR // _MINUTE,
            "first": today - LENGTH,
            "today": today,
            "experiences": sorted(shapes),
        },
    )
    hours: dict[str, dict[int, Past]] = defaultdict(dict)
    for experience, hour, n, deviation in rows:
        hours[experience][hour] = Past(int(n), deviation / n)
    return {
        experience: rhythm_of(of_week, shapes[experience].variance)
        for experience, of_week in hours.items()
    }
