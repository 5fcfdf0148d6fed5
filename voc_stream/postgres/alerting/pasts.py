"""The four weeks before today that detectors are made from: how many scores each key had, their shape, and their rhythm over the week."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.detection.baseline import Past
from voc_stream.domain.detection.distribution import Distribution, distribution_of
from voc_stream.domain.detection.rhythm import hour_of_week, rhythm_of
from voc_stream.domain.horizons import DAY, HOUR
from voc_stream.postgres.alerting.detectors import Key
from voc_stream.postgres.tables import SCORE_BINS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.catalogue import Experience

BASELINE = timedelta(days=28)
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
    """Of each key at the scopes `all` and `site`, over the whole days of the four weeks before today."""
    today = start_of_today(now)
    cursor.execute(
        "SELECT scope_type, scope, experience, sum(n), sum(score_sum), count(*) FROM pane"
        " WHERE resolution = %s AND start >= %s AND start < %s AND scope_type IN ('all', 'site') AND experience = ANY(%s)"
        " GROUP BY scope_type, scope, experience HAVING sum(n) > 0",
        (DAY // _MINUTE, today - BASELINE, today, list(experiences)),
    )
    return {Key(*key): KeyPast(Past(int(n), float(score_sum) / 100 / float(n)), days) for *key, n, score_sum, days in cursor}


def read_shapes(cursor: Cursor, experiences: Mapping[str, Experience], now: datetime) -> dict[str, Distribution]:
    """The distribution of each experience's scores over all sites in the same time."""
    today = start_of_today(now)
    bins = ", ".join(f"sum(bin_{number})" for number in range(SCORE_BINS))
    cursor.execute(
        f"SELECT experience, {bins} FROM experience_cube WHERE day >= %s AND day < %s AND experience = ANY(%s) GROUP BY experience",
        ((today - BASELINE).date(), today.date(), list(experiences)),
    )
    seen = {experience: [float(count) for count in counts] for experience, *counts in cursor}
    return {key: _shape(counts, experiences[key]) for key, counts in seen.items()}


def _shape(counts: list[float], experience: Experience) -> Distribution:
    # Only ratings have values between the ends; what was done or not, in time or not, has two.
    possible = range(SCORE_BINS) if experience.kind == "rating" else (0, SCORE_BINS - 1)
    return distribution_of({float(value): max(0.0, counts[value]) + _IMAGINED for value in possible})


def read_rhythms(cursor: Cursor, shapes: Mapping[str, Distribution], now: datetime) -> dict[str, dict[int, float]]:
    """By how many points each hour of the week usually differs, for each experience, over all sites."""
    today = start_of_today(now)
    cursor.execute(
        "SELECT experience, start, n, score_sum FROM pane"
        " WHERE resolution = %s AND start >= %s AND start < %s AND scope_type = 'all' AND scope = '' AND experience = ANY(%s) AND n > 0",
        (HOUR // _MINUTE, today - BASELINE, today, list(shapes)),
    )
    sums: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for experience, start, n, score_sum in cursor:
        hour = hour_of_week(start)
        before_n, before_sum = sums[experience].get(hour, (0, 0))
        sums[experience][hour] = (before_n + n, before_sum + score_sum)
    return {
        experience: rhythm_of({hour: Past(n, total / 100 / n) for hour, (n, total) in hours.items()}, shapes[experience].variance)
        for experience, hours in sums.items()
    }
