"""The weeks before today that detectors are made from: how many scores each key had, their shape, and their rhythm over the week."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.detection.baseline import BASELINE_DAYS, Past
from voc_stream.domain.detection.distribution import Distribution, distribution_of
from voc_stream.domain.detection.rhythm import rhythm_of
from voc_stream.domain.horizons import DAY, HOUR
from voc_stream.postgres.alerting.detectors import Key
from voc_stream.postgres.tables import SCORE_BINS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Experience
    from voc_stream.postgres.alerting.brief import Brief

BASELINE = timedelta(days=BASELINE_DAYS)
RHYTHM = timedelta(days=28)
"""Panes of an hour are kept for 40 days."""
ENOUGH_FOR_A_SHAPE = 5_000
"""Scores of an experience: its shape over all sites is known well enough, and earlier days need not be read."""
_MINUTE = timedelta(minutes=1)
_IMAGINED = 0.5
"""Scores of every value that a scale allows, added to what was seen: what nobody has answered yet is not impossible (Krichevsky and
Trofimov 1981)."""


class KeyPast(NamedTuple):
    """The past of one key, and on how many days it had scores."""

    past: Past
    days: int


def start_of_today(now: datetime) -> datetime:
    """Midnight UTC before `now`."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def read_pasts(cursor: Cursor, experiences: Collection[str], now: datetime) -> dict[Key, KeyPast]:
    """Of each key at the scopes `all` and `site`, over the whole days of the baseline before today."""
    today = start_of_today(now)
    cursor.execute(
        "SELECT scope_type, scope, experience, sum(n), sum(score_sum), count(*) FROM pane"
        " WHERE resolution = %s AND start >= %s AND start < %s AND scope_type IN ('all', 'site') AND experience = ANY(%s)"
        " GROUP BY scope_type, scope, experience HAVING sum(n) > 0",
        (DAY // _MINUTE, today - BASELINE, today, list(experiences)),
    )
    return {Key(*key): KeyPast(Past(int(n), float(score_sum) / 100 / float(n)), days) for *key, n, score_sum, days in cursor}


def read_shapes(cursor: Cursor, experiences: Mapping[str, Experience], now: datetime) -> dict[str, Distribution]:
    """The distribution of each experience's scores over all sites, of the latest days before today, at most those of the baseline."""
    seen: dict[str, list[float]] = {}
    bins = ", ".join(f"sum(bin_{number})" for number in range(SCORE_BINS))
    wanted = set(experiences)
    for ago in range(1, BASELINE_DAYS + 1):
        if not wanted:
            break
        day = (start_of_today(now) - ago * DAY).date()
        # Day by day, because the cube of a big company holds a million rows a week.
        cursor.execute(
            f"SELECT experience, {bins} FROM experience_cube WHERE day = %s AND experience = ANY(%s) GROUP BY 1", (day, sorted(wanted))
        )
        for experience, *counts in cursor:
            before = seen.get(experience, [0.0] * SCORE_BINS)
            seen[experience] = [known + float(count) for known, count in zip(before, counts, strict=True)]
        wanted = {experience for experience in wanted if sum(seen.get(experience, ())) < ENOUGH_FOR_A_SHAPE}
    return {key: _shape(counts, experiences[key]) for key, counts in seen.items()}


def _shape(counts: list[float], experience: Experience) -> Distribution:
    # Only ratings have values between the ends; what was done or not, in time or not, has two.
    possible = range(SCORE_BINS) if experience.kind == "rating" else (0, SCORE_BINS - 1)
    return distribution_of({float(value): max(0.0, counts[value]) + _IMAGINED for value in possible})


def read_rhythms(brief: Brief, shapes: Mapping[str, Distribution], now: datetime) -> dict[str, dict[int, float]]:
    """By how many points each hour of the week usually differs, for each experience; nothing where it takes too long to read.

    Within sites: each is compared with its own mean, so that it does not matter which of them are open when.
    """
    today = start_of_today(now)
    rows = brief.ask(
        "SELECT experience, hour, sum(n), sum(total - n * mean) / 100 FROM ("
        "  SELECT experience, hour, n, total, sum(total) OVER site / sum(n) OVER site AS mean FROM ("
        "    SELECT scope, experience, ((extract(isodow FROM start) - 1) * 24 + extract(hour FROM start))::int AS hour,"
        "           sum(n)::float8 AS n, sum(score_sum)::float8 AS total"
        "    FROM pane WHERE resolution = %(resolution)s AND start >= %(first)s AND start < %(today)s AND scope_type = 'site'"
        "    AND experience = ANY(%(experiences)s) GROUP BY 1, 2, 3 HAVING sum(n) > 0"
        "  ) hours WINDOW site AS (PARTITION BY scope, experience)"
        ") deviations GROUP BY 1, 2",
        {"resolution": HOUR // _MINUTE, "first": today - RHYTHM, "today": today, "experiences": sorted(shapes)},
    )
    hours: dict[str, dict[int, Past]] = defaultdict(dict)
    for experience, hour, n, deviation in rows:
        hours[experience][hour] = Past(int(n), deviation / n)
    return {experience: rhythm_of(of_week, shapes[experience].variance) for experience, of_week in hours.items()}
