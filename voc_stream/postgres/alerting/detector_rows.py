"""Reads and writes the detectors' rows: what arrived for them, and how their charts stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.alerts.detection.charts import Scores
from voc_stream.alerts.detection.detector import Detector

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor


_COLUMNS = ("scope_type", "scope", "experience", "baseline_n", "baseline_mean", "made_at", "state")
_KEY = "scope_type, scope, experience"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Detector).decode


class Key(NamedTuple):
    """One key experience at one scope."""

    scope_type: str
    scope: str
    experience: str


class Arrival(NamedTuple):
    """Scores that arrived since the last evaluation and count in one hour."""

    key: Key
    scores: Scores


def take_arrivals(cursor: Cursor) -> list[Arrival]:
    """Take what arrived for keys that have a detector, by hour.

    Other keys keep their arrivals until they have a detector.
    """
    cursor.execute(
        f"WITH gone AS (DELETE FROM arrival a USING detector d WHERE ({_columns('a')}) ="
        f" ({_columns('d')}) RETURNING a.*)"
        f" SELECT {_KEY}, hour, sum(n)::bigint, sum(score_sum)::bigint, sum(score_sq_sum) FROM gone"
        f" GROUP BY {_KEY}, hour ORDER BY {_KEY}, hour"
    )
    return [
        Arrival(Key(*key), Scores(n, score_sum / 100, float(score_sq_sum) / 10_000, hour))
        for *key, hour, n, score_sum, score_sq_sum in cursor
    ]


def forget_arrivals(cursor: Cursor, before: datetime) -> None:
    """Delete arrivals older than `before`.

    A key without a detector by then tells nothing about now.
    """
    cursor.execute("DELETE FROM arrival WHERE hour < %s", (before,))


def load(cursor: Cursor, keys: Collection[Key]) -> dict[Key, Detector]:
    """The detectors of those keys that have one."""
    if not keys:
        return {}
    wanted = [list(column) for column in zip(*keys, strict=True)]
    cursor.execute(
        f"SELECT {_KEY}, state::text FROM detector JOIN unnest(%s::text[], %s::text[], %s::text[])"
        f" AS w (scope_type, scope, experience)"
        " USING (scope_type, scope, experience)",
        wanted,
    )
    return {Key(*key): _decode(state) for *key, state in cursor}


def made_at(cursor: Cursor) -> dict[Key, tuple[datetime, int]]:
    """When the baseline of each detector was taken, and from how many scores."""
    cursor.execute(f"SELECT {_KEY}, made_at, baseline_n FROM detector")
    return {Key(*key): (moment, scores) for *key, moment, scores in cursor}


def save(cursor: Cursor, detectors: Mapping[Key, Detector]) -> None:
    """Write these detectors."""
    if not detectors:
        return
    rows = [
        (
            *key,
            detector.baseline_scores,
            detector.usual,
            detector.made_at,
            _encode(detector).decode(),
        )
        for key, detector in sorted(detectors.items())
    ]
    names = ", ".join(_COLUMNS)
    changed = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])
    cursor.execute(
        f"INSERT INTO detector ({names}) SELECT scope_type, scope, experience, baseline_n,"
        f" baseline_mean, made_at, state::json"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::float8[],"
        " %s::timestamptz[], %s::text[])"
        f" AS w ({names}) ON CONFLICT ({_KEY}) DO UPDATE SET {changed}",
        [list(column) for column in zip(*rows, strict=True)],
    )


def remove(cursor: Cursor, key: Key) -> None:
    """Remove one detector; a new one is made from the weeks before."""
    cursor.execute(
        "DELETE FROM detector WHERE scope_type = %s AND scope = %s AND experience = %s", key
    )


def drop_others(cursor: Cursor, experiences: Collection[str]) -> None:
    """Remove detectors and arrivals of what is no key experience any more."""
    for table in ("detector", "arrival"):
        cursor.execute(f"DELETE FROM {table} WHERE experience <> ALL(%s)", (list(experiences),))


def _columns(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in _KEY.split(", "))
