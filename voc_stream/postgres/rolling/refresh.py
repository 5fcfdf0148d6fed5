"""Merges pending contributions into panes, rolling sums and the cube, and moves the horizons on.

There are two refreshes. Each is one transaction under its own lock, so one worker at a time does
it, and readers never see half of it. The first refresh takes contributions into the scopes `all`
and `site`, and passes them on to a second queue. The second refresh takes them into the scopes that
explain, and into the cube.

The scopes that explain have many keys. The more contributions share a row, the fewer rows are
written for each. So if the second queue is long, a call takes only one part of it. That is a
sixteenth of sites and employees, whose contributions have waited since the last turn of that part.

The newest pane of a horizon is open: readers add it to the sum of the closed panes. So a
contribution that is not late is written to panes only. The work is proportional to what changed,
and to what entered or left the closed part of a horizon. It does not depend on the size of the
tables:

    new sum = old sum
            - panes that left
            + panes that closed
            + new contributions inside the new closed window

Panes that left or closed count with what they held before the new contributions are merged.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.horizons import (
    DAY,
    FIVE_MINUTES,
    HORIZONS,
    HOUR,
    PANES_KEPT,
    closed_window,
)
from voc_stream.domain.moment import EPOCH
from voc_stream.pipeline.clocks import LARGEST_LEAP, LARGEST_SKEW
from voc_stream.postgres.rolling.daily_cube import merge_into_cube
from voc_stream.postgres.rolling.duration_counts import merge_durations
from voc_stream.postgres.rolling.late_hours import note_late_hours
from voc_stream.postgres.rolling.refreshes import (
    OF_DETAILS,
    SUMMED,
    Refresh,
    minutes,
    shift_windows,
    wind_back,
)
from voc_stream.postgres.schema.contribution_rows import CONTRIBUTION_COLUMNS
from voc_stream.postgres.schema.sums import add_up, merge, sums_of_measures
from voc_stream.postgres.session.locks import try_lock
from voc_stream.postgres.session.server_clock import ClockError, require_clock

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from voc_stream.postgres.session.cursor import Cursor


# Bounds one refresh, so that a backlog is merged in steps that stay within the statement time-out.
CONTRIBUTIONS_A_TIME = 200_000
# A queue of at most this many contributions is taken whole.
SHORT_QUEUE = 5_000
SITE_PARTS = 16  # a power of two
_PART = f"hashtext(site_id || employee_id) & {SITE_PARTS - 1}"

_TOTALS = ", ".join(f"sum({name})" for name in SUMMED)
_CONTRIBUTION = ", ".join(("number", *CONTRIBUTION_COLUMNS))


log = logging.getLogger(__name__)


def refresh(
    cursor: Cursor, which: Refresh, as_of: datetime, *, in_parts: bool = False
) -> int | None:
    """Refresh these tables as of `as_of`, or as of the last refresh if that was later.

    Returns how many measures were merged, None if another worker holds the lock. With `in_parts`
    only one part of sites and employees, the next one each time, unless the queue is short.
    """
    if not try_lock(cursor, which.lock):
        return None
    # Grouping thousands of keys in memory is several times as fast as on disk.
    cursor.execute("SET LOCAL work_mem = '64MB'")
    before, as_of, turn = _advance_clock(cursor, which, as_of)
    if before is None or before < as_of:
        shift_windows(cursor, which, before, as_of)
    taken = _take(cursor, which, _part(cursor, which.queue, turn) if in_parts else None)
    if taken:
        _group_by_pane(cursor, which)
        _merge_into_panes(cursor, as_of)
        _add_to_rolling(cursor, as_of)
        if which is OF_DETAILS:
            merge_into_cube(cursor)
            merge_durations(cursor)
        else:
            note_late_hours(cursor, as_of)
    return taken


def purge(cursor: Cursor) -> None:
    """Delete the panes that no refresh needs any more to take them out of a horizon."""
    for width, kept in PANES_KEPT.items():
        cursor.execute(
            "DELETE FROM pane WHERE resolution = %s AND start < (SELECT min(as_of)"
            " FROM rolling_clock) - %s",
            (minutes(width), kept + LARGEST_LEAP),
        )


def _advance_clock(
    cursor: Cursor, refresh: Refresh, as_of: datetime
) -> tuple[datetime | None, datetime, int]:
    """When the last refresh was, when this one is, and which part has its turn."""
    cursor.execute("SELECT as_of, turn FROM rolling_clock WHERE refresh = %s", (refresh.name,))
    before, turn = cursor.fetchone() or (None, 0)
    # What has once left the horizons and panes is not brought back.
    latest = require_clock(cursor, as_of)
    if before is not None and before > latest + LARGEST_SKEW:
        if before - latest > LARGEST_LEAP:
            raise ClockError(
                f"the rolling tables are of {before:%Y-%m-%d %H:%M} UTC, ahead of now:"
                " run `voc-stream rebuild`"
            )
        wind_back(cursor, refresh, as_of)
        before = as_of
    # Two workers' clocks may differ by a little; a horizon never runs backwards.
    as_of = as_of if before is None else max(before, as_of)
    cursor.execute(
        "INSERT INTO rolling_clock (refresh, as_of, turn) VALUES (%s, %s, %s)"
        " ON CONFLICT (refresh) DO UPDATE SET as_of = excluded.as_of, turn = excluded.turn",
        (refresh.name, as_of, (turn + 1) % SITE_PARTS),
    )
    return before, as_of, turn


def _part(cursor: Cursor, queue: str, turn: int) -> int | None:
    """The next part that has anything, beginning with the part whose turn it is.

    None if the queue is short: then all parts are taken.
    """
    cursor.execute(f"SELECT {_PART}, count(*) FROM {queue} GROUP BY 1")
    counts: dict[int, int] = dict(cursor.fetchall())
    if sum(counts.values()) <= SHORT_QUEUE:
        return None
    return min(counts, key=lambda part: (part - turn) % SITE_PARTS)


def _take(cursor: Cursor, refresh: Refresh, part: int | None) -> int:
    """Move pending contributions, of one part or of all, into a temporary table, one row a measure.

    They also go on to the queue of the refresh that follows.
    """
    condition = "" if part is None else f"WHERE {_PART} = {part}"
    # In the order of arrival: what is taken back was there before.
    chosen = (
        f"SELECT ctid FROM {refresh.queue} {condition} ORDER BY number LIMIT {CONTRIBUTIONS_A_TIME}"
    )
    passed_on = (
        f", passed_on AS (INSERT INTO {refresh.passed_to} ({_CONTRIBUTION}) SELECT {_CONTRIBUTION}"
        " FROM gone)"
    )
    cursor.execute(
        f"""
        CREATE TEMP TABLE IF NOT EXISTS taken (
            moment timestamptz, {", ".join(f"{column} text" for column in COLUMNS)},
            experience text, weight int, value int, expectation int, importance int
        ) ON COMMIT DELETE ROWS;
        WITH gone AS (
            DELETE FROM {refresh.queue}
            WHERE ctid = ANY(ARRAY({chosen})) RETURNING *
        ){passed_on if refresh.passed_to else ""}
        INSERT INTO taken
        SELECT
            moment, {", ".join(COLUMNS)},
            u.experience, weight, u.value, u.expectation, u.importance
        FROM gone, unnest(gone.experience, gone.value, gone.expectation, gone.importance)
            AS u(experience, value, expectation, importance)
        """
    )
    return int(cursor.rowcount)


def _group_by_pane(cursor: Cursor, refresh: Refresh) -> None:
    """Group what was taken by pane and scope.

    Wider panes and the scope `all` are summed from finer panes, which are few.
    """
    columns = ", ".join(
        f"{name} {'numeric' if name == 'score_sq_sum' else 'bigint'}" for name in SUMMED
    )
    cursor.execute(
        "CREATE TEMP TABLE IF NOT EXISTS taken_pane"
        " (resolution int, start timestamptz, scope_type text, scope text, experience text,"
        f" {columns}) ON COMMIT DELETE ROWS"
    )
    # A column that a set does not group by is NULL in its rows; the columns themselves never are.
    types = " ".join(
        f"WHEN {scope} IS NOT NULL THEN '{scope_type}'"
        for scope_type, scope in refresh.columns.items()
    )
    scopes = ", ".join(refresh.columns.values())
    sets = ", ".join(f"(start, experience, {scope})" for scope in refresh.columns.values())
    cursor.execute(
        f"INSERT INTO taken_pane SELECT %s, start, CASE {types} END, coalesce({scopes}),"
        f" experience, {sums_of_measures()},"
        " coalesce(sum(weight) FILTER (WHERE value >= 900), 0), coalesce(sum(weight) FILTER"
        " (WHERE value <= 600), 0)"
        " FROM (SELECT *, date_bin(%s, moment, %s) AS start FROM taken) taken GROUP BY GROUPING"
        f" SETS ({sets})",
        (minutes(refresh.finest), refresh.finest, EPOCH),
    )
    if refresh.finest == FIVE_MINUTES:
        _widen(cursor, FIVE_MINUTES, HOUR)
    _widen(cursor, HOUR, DAY)
    cursor.execute(
        f"INSERT INTO taken_pane SELECT resolution, start, 'all', '', experience, {_TOTALS}"
        " FROM taken_pane"
        " WHERE scope_type = 'site' GROUP BY resolution, start, experience"
    )
    cursor.execute("DELETE FROM taken_pane WHERE scope = '' AND scope_type <> 'all'")


def _widen(cursor: Cursor, width: timedelta, wider: timedelta) -> None:
    cursor.execute(
        "INSERT INTO taken_pane SELECT %s, date_bin(%s, start, %s) AS wider_start, scope_type,"
        f" scope, experience, {_TOTALS}"
        " FROM taken_pane WHERE resolution = %s GROUP BY wider_start, scope_type, scope,"
        " experience",
        (minutes(wider), wider, EPOCH, minutes(width)),
    )


def _merge_into_panes(cursor: Cursor, as_of: datetime) -> None:
    key = "resolution, start, scope_type, scope, experience"
    for width, kept in PANES_KEPT.items():
        rows = (
            f"SELECT {key}, {', '.join(SUMMED)} FROM taken_pane WHERE resolution = %s"
            f" AND start >= %s ORDER BY {key}"
        )
        merge(
            cursor,
            "pane",
            key,
            SUMMED,
            rows,
            parameters=(minutes(width), as_of - kept - LARGEST_LEAP),
        )


def _add_to_rolling(cursor: Cursor, as_of: datetime) -> None:
    """Add the contributions that came so late that their pane is closed."""
    key = "horizon, scope_type, scope, experience"
    for horizon in HORIZONS:
        cursor.execute(
            f"INSERT INTO rolling_sum AS t ({key}, {', '.join(SUMMED)})"
            f" SELECT %s, scope_type, scope, experience, {_TOTALS} FROM taken_pane"
            " WHERE resolution = %s AND start BETWEEN %s AND %s AND scope_type = ANY(%s)"
            f" GROUP BY scope_type, scope, experience {add_up(key, SUMMED)}",
            (
                horizon.name,
                minutes(horizon.pane),
                *closed_window(horizon, as_of),
                list(horizon.scope_types),
            ),
        )
