"""Reads the weeks before today from which detectors are made.

It reads how many scores each key had, and their shape.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.baseline import BASELINE_DAYS, Past
from voc_stream.alerts.detection.distribution import Distribution, distribution_of
from voc_stream.domain.horizons import DAY
from voc_stream.domain.watched import watched_points
from voc_stream.postgres.alerting.detector_rows import Key
from voc_stream.postgres.schema.expressions.watched import WATCHED_SUM
from voc_stream.postgres.schema.tables.columns import SCORE_BINS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voc_stream.catalogue.model import Experience
    from voc_stream.postgres.session.cursor import Cursor

BASELINE = timedelta(days=BASELINE_DAYS)
ENOUGH_FOR_A_SHAPE = 5_000
"""From so many scores of an experience its shape over all sites is known well enough.

Then earlier days need not be read.
"""
_MINUTE = timedelta(minutes=1)
_IMAGINED = 0.5
"""Scores of every value that a scale allows, added to what was seen.

What nobody has answered yet is not impossible (Krichevsky and Trofimov 1981).
"""


class KeyPast(NamedTuple):
    """The past of one key, and on how many days it had scores."""

    past: Past
    days: int


def start_of_today(now: datetime) -> datetime:
    """Midnight UTC before `now`."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def read_past_weeks(
    cursor: Cursor, experiences: Collection[str], now: datetime
) -> dict[Key, KeyPast]:
    """The past of each key at the scopes `all` and `site`.

    It covers the whole days of the baseline before today.
    """
    today = start_of_today(now)
    cursor.execute(
        f"SELECT scope_type, scope, experience, sum(n), sum({WATCHED_SUM}), count(*)"
        " FROM pane p JOIN experience e USING (experience)"
        " WHERE resolution = %s AND start >= %s AND start < %s AND scope_type IN ('all', 'site')"
        " AND experience = ANY(%s)"
        " GROUP BY scope_type, scope, experience HAVING sum(n) > 0",
        (DAY // _MINUTE, today - BASELINE, today, list(experiences)),
    )
    return {
        Key(*key): KeyPast(Past(int(n), float(score_sum) / 100 / float(n)), days)
        for *key, n, score_sum, days in cursor
    }


def read_shapes(
    cursor: Cursor, experiences: Mapping[str, Experience], now: datetime
) -> dict[str, Distribution]:
    """The distribution of each experience's scores over all sites.

    It covers the latest days before today, at most those of the baseline.
    """
    seen: dict[str, list[float]] = {}
    bins = ", ".join(f"coalesce(sum(bin_{number}), 0)" for number in range(SCORE_BINS))
    wanted = set(experiences)
    for ago in range(1, BASELINE_DAYS + 1):
        if not wanted:
            break
        day = (start_of_today(now) - ago * DAY).date()
        # Day by day, because the cube of a big company holds a million rows a week.
        cursor.execute(
            f"SELECT experience, {bins} FROM experience_cube WHERE day = %s AND experience ="
            f" ANY(%s) GROUP BY 1",
            (day, sorted(wanted)),
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
