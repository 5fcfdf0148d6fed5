"""Reads the eight weeks before a day: how much each key heard, and the shapes of scores."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from voc_stream.alerts.detection.baseline import BASELINE_DAYS
from voc_stream.alerts.detection.distribution import Distribution, distribution_of
from voc_stream.alerts.detection.overdispersion import DayScores
from voc_stream.alerts.detection.settling import day_number, midnight
from voc_stream.domain.horizons import DAY
from voc_stream.domain.watched import watched_points
from voc_stream.postgres.alerting.watching.detector_rows import Key
from voc_stream.postgres.rolling.refreshes import minutes
from voc_stream.postgres.schema.expressions.watched import WATCHED_SUM
from voc_stream.postgres.schema.tables.columns import SCORE_BINS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from voc_stream.catalogue.model import Experience
    from voc_stream.postgres.session.cursor import Cursor

ENOUGH_FOR_A_SHAPE = 5_000
"""From so many scores of an experience its shape over all sites is known well enough.

Then earlier days need not be read.
"""
_ROWS_A_TIME = 5_000
"""How many days of keys are fetched at a time: a big company has a third of a million."""
_IMAGINED = 0.5
"""Scores of every value that a scale allows, added to what was seen.

What nobody has answered yet is not impossible (Krichevsky and Trofimov 1981).
"""


def read_scores_before(
    cursor: Cursor,
    experiences: Collection[str],
    day: int,
    scope_types: tuple[str, ...] = ("all", "site"),
) -> dict[Key, int]:
    """How many scores each key has in the eight weeks before a day."""
    cursor.execute(
        "SELECT scope_type, scope, experience, sum(n) FROM pane"
        " WHERE resolution = %s AND start >= %s AND start < %s AND scope_type = ANY(%s)"
        " AND experience = ANY(%s) GROUP BY 1, 2, 3 HAVING sum(n) > 0",
        (
            minutes(DAY),
            midnight(day - BASELINE_DAYS),
            midnight(day),
            list(scope_types),
            sorted(experiences),
        ),
    )
    return {Key(*key): int(n) for *key, n in cursor}


def read_sites(
    cursor: Cursor, experiences: Collection[str], day: int
) -> Iterator[dict[str, list[DayScores]]]:
    """Of each site, the days of each experience, in the eight weeks before a day."""
    cursor.execute(
        "DECLARE past_days NO SCROLL CURSOR FOR"
        f" SELECT scope, experience, start, p.n, {WATCHED_SUM}"
        " FROM pane p JOIN experience e USING (experience)"
        " WHERE resolution = %s AND start >= %s AND start < %s AND scope_type = 'site'"
        " AND experience = ANY(%s) AND p.n > 0 ORDER BY scope, experience, start",
        (minutes(DAY), midnight(day - BASELINE_DAYS), midnight(day), sorted(experiences)),
    )
    for _, rows in groupby(_fetch(cursor), key=lambda row: row[0]):
        yield {
            experience: [
                DayScores(day_number(start), int(n), int(total) / 100)
                for _, _, start, n, total in days
            ]
            for experience, days in groupby(rows, key=lambda row: row[1])
        }
    cursor.execute("CLOSE past_days")


def _fetch(cursor: Cursor) -> Iterator[tuple[Any, ...]]:
    while True:
        cursor.execute(f"FETCH {_ROWS_A_TIME} FROM past_days")
        rows = cursor.fetchall()
        if not rows:
            return
        yield from rows


def read_shapes(
    cursor: Cursor, experiences: Mapping[str, Experience], day: int
) -> dict[str, Distribution]:
    """The distribution of each experience's scores over all sites.

    It covers the latest days before `day`, at most those of the baseline.
    """
    seen: dict[str, list[float]] = {}
    bins = ", ".join(f"coalesce(sum(bin_{number}), 0)" for number in range(SCORE_BINS))
    wanted = set(experiences)
    for ago in range(1, BASELINE_DAYS + 1):
        if not wanted:
            break
        date = midnight(day - ago).date()
        # Day by day, because the cube of a big company holds a million rows a week.
        cursor.execute(
            f"SELECT experience, {bins} FROM experience_cube WHERE day = %s AND experience ="
            f" ANY(%s) GROUP BY 1",
            (date, sorted(wanted)),
        )
        for experience, *counts in cursor:
            before = seen.get(experience, [0.0] * SCORE_BINS)
            seen[experience] = [
                known + float(count) for known, count in zip(before, counts, strict=True)
            ]
        wanted = {
            experience
            for experience in wanted
            if sum(seen.get(experience, ())) < ENOUGH_FOR_A_SHAPE
        }
    return {key: _shape(counts, experiences[key]) for key, counts in seen.items()}


def _shape(counts: list[float], experience: Experience) -> Distribution:
    # Only answers on a scale have values between the ends; what was done or not, in time or not,
    # has two.
    if experience.kind == "nps":
        seen = watched_points(counts)
    else:
        possible = range(SCORE_BINS) if experience.kind == "rating" else (0, SCORE_BINS - 1)
        seen = {float(value): counts[value] for value in possible}
    return distribution_of({value: max(0.0, count) + _IMAGINED for value, count in seen.items()})
