"""Keeps each site's own level, and reads how all sites together differ from them."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.detection.overdispersion import DayScores
from voc_stream.alerts.detection.settling import EPOCH_DAYS, day_number, epoch_of, midnight
from voc_stream.alerts.detection.walking.levels import ENOUGH_AT_ONCE, Level, levels_of
from voc_stream.domain.horizons import DAY, HOUR
from voc_stream.postgres.alerting.watching.hours import scores_from
from voc_stream.postgres.rolling.refreshes import minutes
from voc_stream.postgres.schema.expressions.watched import WATCHED_SQUARES, WATCHED_SUM

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from voc_stream.alerts.detection.charts import Scores
    from voc_stream.postgres.session.cursor import Cursor

SLICE = timedelta(hours=6)
"""How many hours are read at a time: no statement is long, however long ago the hours begin."""
# The hours of all sites lie together in the table. Read first, and then compared with the levels,
# they are read once. A join was planned so that it looked for each hour of each level by itself.
_HEARD = (
    "WITH heard AS MATERIALIZED (SELECT scope, experience, start, n, score_sum, score_sq_sum,"
    f" top_n, bottom_n FROM pane WHERE resolution = {minutes(HOUR)} AND start >= %s AND start < %s"
    " AND scope_type = 'site' AND experience = ANY(%s) AND n <> 0)"
)
_FROM_LEVELS = (
    " FROM heard p JOIN experience e USING (experience) JOIN site_level l ON l.site_id = p.scope"
    " AND l.experience = p.experience AND p.start >= l.since AND p.start < l.until"
)
_LOST = f"p.n * l.level - ({WATCHED_SUM})"


def renew_levels(cursor: Cursor, minimum_samples: Mapping[str, int], today: int) -> None:
    """Take the levels anew: of the last two epochs, and of sites that are new in them.

    `minimum_samples`: of each key experience, how many scores a level needs.
    """
    cursor.execute("DELETE FROM site_level")
    for epoch in (epoch_of(today) - EPOCH_DAYS, epoch_of(today)):
        established = _established(cursor, minimum_samples, epoch)
        days = _days_of_others(cursor, minimum_samples, epoch, today)
        found = [(*key, level) for key, level in established.items()]
        found += [
            (site, experience, level)
            for (site, experience), of_key in days.items()
            for level in levels_of(of_key, epoch, today, minimum_samples[experience])
        ]
        _write(cursor, found)


def _established(
    cursor: Cursor, minimum_samples: Mapping[str, int], epoch: int
) -> dict[tuple[str, str], Level]:
    """The levels of sites that have enough scores before the epoch."""
    cursor.execute(
        f"SELECT scope, experience, sum(p.n), sum({WATCHED_SUM})"
        f" {_days_from()} AND p.start < %s GROUP BY 1, 2",
        (*_window(minimum_samples, epoch), midnight(epoch)),
    )
    return {
        (site, experience): Level(epoch, epoch + EPOCH_DAYS, round(int(total) / int(n)))
        for site, experience, n, total in cursor
        if n >= ENOUGH_AT_ONCE * minimum_samples[experience]
    }


def _days_of_others(
    cursor: Cursor, minimum_samples: Mapping[str, int], epoch: int, today: int
) -> dict[tuple[str, str], list[DayScores]]:
    names, limits = zip(*sorted(minimum_samples.items()), strict=True)
    cursor.execute(
        "WITH known AS (SELECT scope, p.experience"
        f" {_days_from()} AND p.start < %s GROUP BY 1, 2"
        "  HAVING sum(p.n) >= %s * (SELECT m.least FROM unnest(%s::text[], %s::int[])"
        "   AS m (experience, least) WHERE m.experience = p.experience))"
        f" SELECT scope, p.experience, p.start, p.n, {WATCHED_SUM}"
        f" {_days_from()} AND p.start < %s"
        " AND NOT EXISTS (SELECT FROM known k WHERE (k.scope, k.experience)"
        " = (p.scope, p.experience)) ORDER BY p.start",
        (
            *_window(minimum_samples, epoch),
            midnight(epoch),
            ENOUGH_AT_ONCE,
            list(names),
            list(limits),
            *_window(minimum_samples, epoch),
            midnight(min(epoch + EPOCH_DAYS, today + 1)),
        ),
    )
    found: dict[tuple[str, str], list[DayScores]] = defaultdict(list)
    for site, experience, start, n, total in cursor:
        found[site, experience].append(DayScores(day_number(start), int(n), int(total) / 100))
    return found


def _days_from() -> str:
    return (
        "FROM pane p JOIN experience e USING (experience) WHERE p.resolution = %s"
        " AND p.scope_type = 'site' AND p.n > 0 AND p.experience = ANY(%s) AND p.start >= %s"
    )


def _window(experiences: Collection[str], epoch: int) -> tuple[object, ...]:
    return minutes(DAY), sorted(experiences), midnight(epoch - BASELINE_DAYS)


def _write(cursor: Cursor, levels: Collection[tuple[str, str, Level]]) -> None:
    if not levels:
        return
    rows = [
        (site, experience, midnight(level.since), midnight(level.until), level.hundredths)
        for site, experience, level in levels
    ]
    cursor.execute(
        "INSERT INTO site_level (site_id, experience, since, until, level)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],"
        " %s::int[])",
        [list(column) for column in zip(*rows, strict=True)],
    )


def digest_levels(cursor: Cursor) -> dict[str, str]:
    """A digest of the levels of each experience."""
    cursor.execute(
        "SELECT experience, md5(string_agg(concat_ws(' ', site_id, extract(epoch FROM since),"
        " extract(epoch FROM until), level), ',' ORDER BY site_id, since))"
        " FROM site_level GROUP BY 1"
    )
    return dict(cursor.fetchall())


def read_differences(
    cursor: Cursor, experiences: Collection[str], since: datetime, until: datetime
) -> dict[str, list[Scores]]:
    """How scores of all sites differ from their sites' levels, by hour, in their order.

    Totals are differences in points. `until` is not included.
    """
    found: dict[str, list[Scores]] = defaultdict(list)
    for first, end in _slices(since, until):
        cursor.execute(
            f"{_HEARD} SELECT p.experience, p.start, sum(p.n), -sum({_LOST}),"
            f" sum({WATCHED_SQUARES} - 2 * l.level * ({WATCHED_SUM}) + p.n * l.level * l.level)"
            f" {_FROM_LEVELS} GROUP BY 1, 2 HAVING sum(p.n) <> 0 ORDER BY 2",
            (first, end, sorted(experiences)),
        )
        for experience, start, n, total, squares in cursor:
            found[experience].append(scores_from(n, total, squares, start))
    return found


def read_losses(
    cursor: Cursor, experience: str, since: datetime, until: datetime
) -> list[tuple[datetime, str, float]]:
    """What each site lost against its own level in each hour, in points times scores."""
    found: list[tuple[datetime, str, float]] = []
    for first, end in _slices(since, until):
        cursor.execute(
            f"{_HEARD} SELECT p.start, p.scope, {_LOST} {_FROM_LEVELS} ORDER BY 1, 2",
            (first, end, [experience]),
        )
        found += [(start, site, float(lost) / 100) for start, site, lost in cursor]
    return found


def _slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + SLICE, until)
        yield since, end
        since = end


def read_days_of_all(
    cursor: Cursor, experiences: Collection[str], day: int
) -> dict[str, list[DayScores]]:
    """The days of all sites in the eight weeks before a day, each site compared with its own mean.

    Totals are differences in points.
    """
    cursor.execute(
        "SELECT experience, start, sum(n), sum(total - n * mean) / 100 FROM ("
        f" SELECT p.experience, p.start, p.n, {WATCHED_SUM} AS total,"
        f"  sum({WATCHED_SUM}) OVER site / sum(p.n) OVER site AS mean"
        f" {_days_from()} AND p.start < %s WINDOW site AS (PARTITION BY p.scope, p.experience)"
        ") days GROUP BY 1, 2 ORDER BY 2",
        (*_window(experiences, day), midnight(day)),
    )
    found: dict[str, list[DayScores]] = defaultdict(list)
    for experience, start, n, total in cursor:
        found[experience].append(DayScores(day_number(start), int(n), float(total)))
    return found
