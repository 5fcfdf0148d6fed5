"""Merging pending contributions into cube, panes and rolling sums, and moving the horizons on.

One transaction under an advisory lock, so that one worker at a time does it and readers never see half of it. The work is
proportional to what changed and to what entered or left a horizon, not to the size of the tables:

    new sum = old sum - panes that left + panes that entered + new contributions inside the new window

where panes that left or entered count with what they held before the new contributions are merged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.horizons import (
    COARSE_SCOPE_TYPES,
    DAY,
    EPOCH,
    FIVE_MINUTES,
    HORIZONS,
    HOUR,
    PANES_KEPT,
    SCOPE_TYPES,
    Horizon,
    Window,
    window,
)
from voc_stream.postgres.tables import SCORE_BINS
from voc_stream.postgres.views import bin_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

SETTLE_LOCK = 7_602_002
# Bounds one refresh, so that a backlog is merged in steps that stay within the statement time-out.
CONTRIBUTIONS_A_TIME = 200_000

_SUMS = ("n", "score_sum", "score_sq_sum", "expectation_n", "expectation_sum", "importance_n", "importance_sum")
_BOXES = ("top_n", "bottom_n")
_BINS = tuple(f"bin_{number}" for number in range(SCORE_BINS))
_SCOPE_COLUMNS = {
    "site": "site_id",
    "region": "region",
    "department": "department",
    "employee": "employee_id",
    "product": "product",
    "segment": "segment",
}
_DIMENSIONS = "site_id, department, employee_id, product, segment"


def settle(cursor: Cursor, as_of: datetime) -> int | None:
    """Refresh everything as of `as_of` (of the last refresh if that was later); the number of measures merged, None if locked."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", (SETTLE_LOCK,))
    if not cursor.fetchone()[0]:  # type: ignore[index]  # a SELECT without FROM gives one row
        return None
    # Grouping thousands of keys in memory is several times as fast as on disk.
    cursor.execute("SET LOCAL work_mem = '64MB'")
    before, as_of = _advance_clock(cursor, as_of)
    if before is None or before < as_of:
        _shift_windows(cursor, before, as_of)
    taken = _take(cursor)
    if taken:
        _merge_into_cube(cursor)
        _group_by_pane(cursor)
        _merge_into_panes(cursor, as_of)
        _add_to_rolling(cursor, as_of)
    return taken


def purge(cursor: Cursor, as_of: datetime) -> None:
    """Drop panes past their keeping, and sums of nothing."""
    for width, kept in PANES_KEPT.items():
        cursor.execute("DELETE FROM pane WHERE resolution = %s AND start < %s", (_minutes(width), as_of - kept))
    for table in ("pane", "rolling_sum", "experience_cube"):
        cursor.execute(f"DELETE FROM {table} WHERE n = 0")


def _advance_clock(cursor: Cursor, as_of: datetime) -> tuple[datetime | None, datetime]:
    cursor.execute("SELECT as_of FROM rolling_clock")
    row = cursor.fetchone()
    before = None if row is None else row[0]
    # Two workers' clocks may differ by a little; a horizon never runs backwards.
    as_of = as_of if before is None else max(before, as_of)
    cursor.execute("INSERT INTO rolling_clock VALUES (true, %s) ON CONFLICT (singleton) DO UPDATE SET as_of = excluded.as_of", (as_of,))
    return before, as_of


def _shift_windows(cursor: Cursor, before: datetime | None, as_of: datetime) -> None:
    """Take panes that left out of the rolling sums, and panes that entered in, with what they held. Windows only move forward."""
    for horizon in HORIZONS:
        new = window(horizon, as_of)
        if before is None:
            _add_panes(cursor, horizon, 1, new)
            continue
        old = window(horizon, before)
        if new != old:
            _add_panes(cursor, horizon, -1, Window(old.first, min(old.last, new.first - horizon.pane)))
            _add_panes(cursor, horizon, 1, Window(max(new.first, old.last + horizon.pane), new.last))


def _add_panes(cursor: Cursor, horizon: Horizon, sign: int, panes: Window) -> None:
    key = "horizon, scope_type, scope, experience"
    cursor.execute(
        f"INSERT INTO rolling_sum AS t ({key}, {', '.join((*_SUMS, *_BOXES))})"
        f" SELECT %s, scope_type, scope, experience, {', '.join(f'%s * sum({name})' for name in (*_SUMS, *_BOXES))} FROM pane"
        " WHERE resolution = %s AND start BETWEEN %s AND %s AND scope_type = ANY(%s)"
        f" GROUP BY scope_type, scope, experience {_add_up(key, (*_SUMS, *_BOXES))}",
        (horizon.name, *[sign] * len((*_SUMS, *_BOXES)), _minutes(horizon.pane), *panes, list(horizon.scope_types)),
    )


def _take(cursor: Cursor) -> int:
    """Move pending contributions into a temporary table, one row a measure."""
    cursor.execute(
        f"""
        CREATE TEMP TABLE IF NOT EXISTS taken (
            moment timestamptz, site_id text, department text, employee_id text, product text, segment text, region text,
            experience text, weight int, value int, expectation int, importance int
        ) ON COMMIT DELETE ROWS;
        WITH gone AS (
            DELETE FROM contribution WHERE ctid = ANY(ARRAY(SELECT ctid FROM contribution LIMIT {CONTRIBUTIONS_A_TIME})) RETURNING *
        )
        INSERT INTO taken
        SELECT moment, site_id, department, employee_id, product, segment, region, u.experience, weight, u.value,
               u.expectation, u.importance
        FROM gone, unnest(gone.experience, gone.value, gone.expectation, gone.importance) AS u(experience, value, expectation, importance)
        """
    )
    return int(cursor.rowcount)


def _merge_into_cube(cursor: Cursor) -> None:
    bins = ", ".join(f"coalesce(sum(weight) FILTER (WHERE bin = {number}), 0)" for number in range(SCORE_BINS))
    key = f"day, experience, {_DIMENSIONS}"
    cursor.execute(
        f"INSERT INTO experience_cube AS t ({key}, {', '.join((*_SUMS, *_BINS))})"
        f" SELECT day, experience, {_DIMENSIONS}, {_sums_of_measures()}, {bins}"
        f" FROM (SELECT *, (moment AT TIME ZONE 'UTC')::date AS day, {bin_of('value', 'experience')} AS bin FROM taken) binned"
        f" GROUP BY {key} {_add_up(key, (*_SUMS, *_BINS))}"
    )


def _group_by_pane(cursor: Cursor) -> None:
    """The sums of what was taken, by pane and scope; wider panes and the scope `all` from finer ones, which are few."""
    columns = ", ".join(f"{name} {'numeric' if name == 'score_sq_sum' else 'bigint'}" for name in (*_SUMS, *_BOXES))
    cursor.execute(
        "CREATE TEMP TABLE IF NOT EXISTS taken_pane"
        f" (resolution int, start timestamptz, scope_type text, scope text, experience text, {columns}) ON COMMIT DELETE ROWS"
    )
    _group(cursor, FIVE_MINUTES, "site")
    _widen(cursor, FIVE_MINUTES, HOUR)
    for scope_type in SCOPE_TYPES:
        if scope_type not in COARSE_SCOPE_TYPES:
            _group(cursor, HOUR, scope_type)
    _widen(cursor, HOUR, DAY)
    sums = ", ".join(f"sum({name})" for name in (*_SUMS, *_BOXES))
    cursor.execute(
        f"INSERT INTO taken_pane SELECT resolution, start, 'all', '', experience, {sums} FROM taken_pane"
        " WHERE scope_type = 'site' GROUP BY resolution, start, experience"
    )
    cursor.execute("DELETE FROM taken_pane WHERE scope = '' AND scope_type <> 'all'")


def _group(cursor: Cursor, width: timedelta, scope_type: str) -> None:
    scope = _SCOPE_COLUMNS[scope_type]
    cursor.execute(
        f"INSERT INTO taken_pane SELECT %s, date_bin(%s, moment, %s) AS start, %s, {scope}, experience, {_sums_of_measures()},"
        " coalesce(sum(weight) FILTER (WHERE value >= 900), 0), coalesce(sum(weight) FILTER (WHERE value <= 600), 0)"
        f" FROM taken GROUP BY start, {scope}, experience",
        (_minutes(width), width, EPOCH, scope_type),
    )


def _widen(cursor: Cursor, width: timedelta, wider: timedelta) -> None:
    sums = ", ".join(f"sum({name})" for name in (*_SUMS, *_BOXES))
    cursor.execute(
        f"INSERT INTO taken_pane SELECT %s, date_bin(%s, start, %s) AS wider_start, scope_type, scope, experience, {sums}"
        " FROM taken_pane WHERE resolution = %s GROUP BY wider_start, scope_type, scope, experience",
        (_minutes(wider), wider, EPOCH, _minutes(width)),
    )


def _merge_into_panes(cursor: Cursor, as_of: datetime) -> None:
    key = "resolution, start, scope_type, scope, experience"
    for width, kept in PANES_KEPT.items():
        cursor.execute(
            f"INSERT INTO pane AS t ({key}, {', '.join((*_SUMS, *_BOXES))})"
            f" SELECT {key}, {', '.join((*_SUMS, *_BOXES))} FROM taken_pane WHERE resolution = %s AND start >= %s"
            f" ORDER BY {key} {_add_up(key, (*_SUMS, *_BOXES))}",
            (_minutes(width), as_of - kept),
        )


def _add_to_rolling(cursor: Cursor, as_of: datetime) -> None:
    key = "horizon, scope_type, scope, experience"
    for horizon in HORIZONS:
        cursor.execute(
            f"INSERT INTO rolling_sum AS t ({key}, {', '.join((*_SUMS, *_BOXES))})"
            f" SELECT %s, scope_type, scope, experience, {', '.join(f'sum({name})' for name in (*_SUMS, *_BOXES))} FROM taken_pane"
            " WHERE resolution = %s AND start BETWEEN %s AND %s AND scope_type = ANY(%s)"
            f" GROUP BY scope_type, scope, experience {_add_up(key, (*_SUMS, *_BOXES))}",
            (horizon.name, _minutes(horizon.pane), *window(horizon, as_of), list(horizon.scope_types)),
        )


def _sums_of_measures() -> str:
    return (
        "sum(weight), sum(weight * value), sum(weight * value::bigint * value),"
        " coalesce(sum(weight) FILTER (WHERE expectation IS NOT NULL), 0), coalesce(sum(weight * expectation), 0),"
        " coalesce(sum(weight) FILTER (WHERE importance IS NOT NULL), 0), coalesce(sum(weight * importance), 0)"
    )


def _add_up(key: str, columns: tuple[str, ...]) -> str:
    return f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = t.{name} + excluded.{name}' for name in columns)}"


def _minutes(width: timedelta) -> int:
    return int(width.total_seconds() // 60)
