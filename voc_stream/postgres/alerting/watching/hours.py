"""Reads sums of hours and days of key experiences from panes."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.charts import Scores
from voc_stream.alerts.detection.overdispersion import DayScores
from voc_stream.alerts.detection.settling import day_number, midnight
from voc_stream.domain.horizons import DAY, HOUR
from voc_stream.postgres.alerting.watching.detector_rows import Key
from voc_stream.postgres.rolling.refreshes import minutes
from voc_stream.postgres.schema.expressions.watched import WATCHED_SQUARES, WATCHED_SUM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor

_KEY = "scope_type, scope, experience"
_OF_KEY = "w.scope_type, w.scope, w.experience"
# Each pane is looked up by its whole key: LIMIT leaves the planner no other way. A join was planned
# so that it read the whole table once for each key.
_PANE_AT = (
    "CROSS JOIN LATERAL (SELECT * FROM pane WHERE resolution = %s AND start = looked.start"
    " AND scope_type = w.scope_type AND scope = w.scope AND experience = w.experience LIMIT 1) p"
    " JOIN experience e ON e.experience = w.experience"
)


def scores_from(n: int, total: int, squares: float, moment: datetime) -> Scores:
    """Sums in hundredths as scores in points."""
    return Scores(int(n), int(total) / 100, float(squares) / 10_000, moment.astimezone(UTC))


def read_hours(
    cursor: Cursor, since: Mapping[Key, datetime], until: datetime
) -> dict[Key, list[Scores]]:
    """The hours of each of these sites' keys before `until`, in their order."""
    found: dict[Key, list[Scores]] = defaultdict(list)
    if not since:
        return found
    of_sites: dict[str, datetime] = {}
    for key, begin in since.items():
        of_sites[key.scope] = min(begin, of_sites.get(key.scope, begin))
    experiences = sorted({key.experience for key in since})
    cursor.execute(
        f"SELECT p.scope, p.experience, p.start, p.n, {WATCHED_SUM}, {WATCHED_SQUARES}"
        " FROM unnest(%s::text[], %s::timestamptz[]) AS w (scope, since)"
        " CROSS JOIN LATERAL generate_series(w.since, %s::timestamptz - %s, %s) AS looked (start)"
        # The experiences of a site lie together in the index: all are looked up at once, by the
        # whole key, as above.
        " CROSS JOIN LATERAL (SELECT * FROM pane WHERE resolution = %s AND start = looked.start"
        " AND scope_type = 'site' AND scope = w.scope AND experience = ANY(%s) LIMIT %s) p"
        " JOIN experience e ON e.experience = p.experience"
        " WHERE p.n <> 0 ORDER BY p.start",
        (
            list(of_sites),
            list(of_sites.values()),
            until,
            HOUR,
            HOUR,
            minutes(HOUR),
            experiences,
            len(experiences),
        ),
    )
    for site, experience, start, n, total, squares in cursor:
        key = Key("site", site, experience)
        if key in since and start >= since[key]:
            found[key].append(scores_from(n, total, squares, start))
    return found


def read_open_hours(
    cursor: Cursor, experiences: Collection[str], since: datetime, as_of: datetime
) -> dict[Key, list[Scores]]:
    """The hours of all sites' keys from `since` on that have begun by `as_of`, in their order."""
    cursor.execute(
        f"SELECT {_KEY}, start, p.n, {WATCHED_SUM}, {WATCHED_SQUARES}"
        " FROM pane p JOIN experience e USING (experience)"
        " WHERE resolution = %s AND start >= %s AND start <= %s AND scope_type = 'site'"
        " AND experience = ANY(%s) AND p.n <> 0 ORDER BY start",
        (minutes(HOUR), since, as_of, sorted(experiences)),
    )
    found: dict[Key, list[Scores]] = defaultdict(list)
    for *key, start, n, total, squares in cursor:
        found[Key(*key)].append(scores_from(n, total, squares, start))
    return found


def read_days(
    cursor: Cursor, keys: Collection[Key], first: int, end: int
) -> dict[Key, list[DayScores]]:
    """The days of each of these keys, from `first` to before `end`, in their order."""
    found: dict[Key, list[DayScores]] = defaultdict(list)
    if not keys:
        return found
    cursor.execute(
        f"SELECT {_OF_KEY}, p.start, p.n, {WATCHED_SUM}"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (scope_type, scope, experience)"
        " CROSS JOIN generate_series(%s::timestamptz, %s::timestamptz, '24 hours')"
        " AS looked (start)"
        f" {_PANE_AT}"
        " WHERE p.n > 0 ORDER BY p.start",
        (
            *([list(column) for column in zip(*keys, strict=True)]),
            midnight(first),
            midnight(end - 1),
            minutes(DAY),
        ),
    )
    for *key, start, n, total in cursor:
        found[Key(*key)].append(DayScores(day_number(start), int(n), int(total) / 100))
    return found
