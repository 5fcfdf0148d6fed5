"""Reads and writes the detectors' rows. Each is a cache of what its hours and days say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.alerts.detection.walking.walk import Checkpoint
from voc_stream.domain.moment import EPOCH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor

_KEY = "scope_type, scope, experience"
_COLUMNS = (
    "scope_type", "scope", "experience", "baseline_n", "baseline_mean", "phi", "made_at",
    "fallen_at", "stale_from", "digest", "state", "marks",
)  # fmt: skip
_TYPES = (
    "text", "text", "text", "bigint", "float8", "float8", "timestamptz", "timestamptz",
    "timestamptz", "text", "text", "text",
)  # fmt: skip
_encode = msgspec.json.Encoder().encode
_decode_head = msgspec.json.Decoder(Checkpoint).decode
_decode_marks = msgspec.json.Decoder(list[Checkpoint]).decode


class Key(NamedTuple):
    """One key experience at one scope."""

    scope_type: str
    scope: str
    experience: str


class Row(NamedTuple):
    """What is kept of one detector.

    Attributes:
        digest: of what it was computed from beside its own hours and days.
        stale_from: what it knows of hours from then on is not right any more; None if all is.
        packed: checkpoints before the last one, in JSON: thousands of rows are kept at hand.
        head: the last checkpoint.
    """

    digest: str
    stale_from: datetime | None
    packed: str
    head: Checkpoint

    @property
    def marks(self) -> list[Checkpoint]:
        """Checkpoints before the last one, the latest last."""
        return _decode_marks(self.packed)

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Those that are right, the latest last."""
        stale_from = self.stale_from
        return [
            each
            for each in (*self.marks, self.head)
            if stale_from is None or each.until <= stale_from
        ]


class Age(NamedTuple):
    """What tells whether a detector is due.

    Attributes:
        digest: of what it was computed from beside its own hours and days.
        made_at: when its baseline was taken.
        baseline_scores: from how many scores.
        until: its last checkpoint.
    """

    digest: str
    made_at: datetime
    baseline_scores: int
    until: datetime


def pack(marks: Sequence[Checkpoint]) -> str:
    """Checkpoints in JSON."""
    return _encode(marks).decode()


def load(cursor: Cursor, keys: Collection[Key]) -> dict[Key, Row]:
    """The rows of those keys that have one."""
    if not keys:
        return {}
    wanted = [list(column) for column in zip(*keys, strict=True)]
    cursor.execute(
        f"SELECT {_KEY}, digest, stale_from, marks::text, state::text FROM detector"
        " JOIN unnest(%s::text[], %s::text[], %s::text[]) AS w (scope_type, scope, experience)"
        " USING (scope_type, scope, experience)",
        wanted,
    )
    return {
        Key(*key): Row(digest, stale_from, marks, _decode_head(head))
        for *key, digest, stale_from, marks, head in cursor
    }


def save(cursor: Cursor, rows: Mapping[Key, Row]) -> None:
    """Write these rows. One without a detector is removed: nothing is known of its key."""
    remove(cursor, [key for key, row in rows.items() if row.head.detector is None])
    written = [
        (
            *key,
            detector.baseline_scores,
            detector.usual,
            detector.phi,
            detector.made_at,
            detector.fallen_at,
            row.stale_from,
            row.digest,
            _encode(row.head).decode(),
            row.packed,
        )
        for key, row in sorted(rows.items())
        if (detector := row.head.detector) is not None
    ]
    if not written:
        return
    names = ", ".join(_COLUMNS)
    chosen = ", ".join(f"{name}::json" if name in ("state", "marks") else name for name in _COLUMNS)
    changed = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[3:])
    cursor.execute(
        f"INSERT INTO detector ({names}) SELECT {chosen}"
        f" FROM unnest({', '.join(f'%s::{each}[]' for each in _TYPES)}) AS w ({names})"
        f" ON CONFLICT ({_KEY}) DO UPDATE SET {changed}",
        [list(column) for column in zip(*written, strict=True)],
    )


def remove(cursor: Cursor, keys: Collection[Key]) -> None:
    """Remove the rows of these keys."""
    if keys:
        cursor.execute(
            "DELETE FROM detector d USING unnest(%s::text[], %s::text[], %s::text[])"
            " AS w (scope_type, scope, experience)"
            " WHERE (d.scope_type, d.scope, d.experience) = (w.scope_type, w.scope, w.experience)",
            [list(column) for column in zip(*keys, strict=True)],
        )


def remove_others(cursor: Cursor, experiences: Collection[str]) -> None:
    """Remove detectors of what is no key experience any more."""
    cursor.execute("DELETE FROM detector WHERE experience <> ALL(%s)", (sorted(experiences),))


def stale_keys(cursor: Cursor) -> list[Key]:
    """The keys whose rows are not right any more; those that nothing is known of come first."""
    cursor.execute(
        f"SELECT {_KEY} FROM detector WHERE stale_from IS NOT NULL ORDER BY made_at, {_KEY}"
    )
    return [Key(*key) for key in cursor]


def read_ages(cursor: Cursor) -> dict[Key, Age]:
    """What tells of each row whether it is due."""
    cursor.execute(
        f"SELECT {_KEY}, digest, made_at, baseline_n, (state ->> 0)::timestamptz FROM detector"
    )
    return {Key(*row[:3]): Age(*row[3:]) for row in cursor}


def fallen_keys(cursor: Cursor) -> list[Key]:
    """The keys whose last checkpoint says that they have fallen."""
    cursor.execute(f"SELECT {_KEY} FROM detector WHERE fallen_at IS NOT NULL")
    return [Key(*key) for key in cursor]


def take_late_hours(cursor: Cursor) -> dict[tuple[str, str], datetime]:
    """Take the notes of late hours: the earliest of each site and experience."""
    cursor.execute(
        "WITH gone AS (DELETE FROM late_hour RETURNING *)"
        " SELECT site_id, experience, min(hour) FROM gone GROUP BY 1, 2"
    )
    return {(site, experience): hour for site, experience, hour in cursor}


def mark_late(cursor: Cursor, late: Mapping[tuple[str, str], datetime]) -> None:
    """Mark the detectors that heard a late hour, or whose baseline has it.

    The days of a site say how alike its scores are, over all its experiences. So a baseline holds
    hours of the others, too.
    """
    if not late:
        return
    _mark(
        cursor,
        [(site, experience, hour) for (site, experience), hour in late.items()],
        "d.scope_type = 'site' AND d.scope = w.scope AND d.experience = w.experience",
    )
    _mark(
        cursor,
        _earliest((site, "", hour) for (site, _), hour in late.items()),
        "d.scope_type = 'site' AND d.scope = w.scope AND d.made_at > w.hour",
    )
    _mark(
        cursor,
        _earliest(("", experience, hour) for (_, experience), hour in late.items()),
        "d.scope_type = 'all' AND d.experience = w.experience",
    )
    _mark(
        cursor,
        [("", "", min(late.values()))],
        "d.scope_type = 'all' AND d.made_at > w.hour",
    )


def mark_from(cursor: Cursor, moment: datetime) -> None:
    """Mark what all detectors know of hours from a moment on."""
    cursor.execute("UPDATE detector SET stale_from = least(stale_from, %s)", (moment,))


def mark_keys(cursor: Cursor, keys: Mapping[Key, datetime]) -> None:
    """Mark these detectors from a moment on; a key that has none gets a row to be filled."""
    if not keys:
        return
    nothing = _encode(Checkpoint(EPOCH, None)).decode()
    cursor.execute(
        f"INSERT INTO detector AS d ({', '.join(_COLUMNS)})"
        f" SELECT {_KEY}, 0, 0, 1, %s, NULL, hour, '', %s::json, '[]'::json"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])"
        " AS w (scope_type, scope, experience, hour)"
        f" ON CONFLICT ({_KEY}) DO UPDATE"
        " SET stale_from = least(d.stale_from, excluded.stale_from)",
        (
            EPOCH,
            nothing,
            *([list(column) for column in zip(*keys, strict=True)]),
            list(keys.values()),
        ),
    )


def _mark(cursor: Cursor, late: Sequence[tuple[str, str, datetime]], condition: str) -> None:
    cursor.execute(
        "UPDATE detector d SET stale_from = least(d.stale_from, w.hour)"
        " FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS w (scope, experience, hour)"
        f" WHERE {condition}",
        [list(column) for column in zip(*late, strict=True)],
    )


def _earliest(
    late: Iterable[tuple[str, str, datetime]],
) -> list[tuple[str, str, datetime]]:
    found: dict[tuple[str, str], datetime] = {}
    for scope, experience, hour in late:
        found[scope, experience] = min(hour, found.get((scope, experience), hour))
    return [(*key, hour) for key, hour in found.items()]
