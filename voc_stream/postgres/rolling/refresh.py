"""Merges increments into panes, rolling sums and the cube, and moves the horizons on.

There are two refreshes. Each is one transaction under its own lock, so one worker at a time does
it, and readers never see half of it. The refresh of sites is due every few seconds. The other one
has many more keys. The more increments share a row, the fewer rows are written. So if much waits,
that refresh is due more seldom.

The newest pane of a horizon is open: readers add it to the sum of the closed panes. So an increment
that is not late is written to panes only. The work is proportional to what changed, and to what
entered or left the closed part of a horizon. It does not depend on the size of the tables:

    new sum = old sum
            - panes that left
            + panes that closed
            + increments inside the new closed window

Panes that left or closed count with what they held before the increments are merged.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.horizons import PANES_KEPT
from voc_stream.pipeline.clocks import LARGEST_LEAP, LARGEST_SKEW
from voc_stream.postgres.increments.increment_rows import measures_waiting
from voc_stream.postgres.increments.merging import merge_waiting
from voc_stream.postgres.rolling.late_hours import note_late_hours
from voc_stream.postgres.rolling.refreshes import (
    OF_SITES,
    Refresh,
    minutes,
    shift_windows,
    wind_back,
)
from voc_stream.postgres.session.locks import try_lock
from voc_stream.postgres.session.server_clock import ClockError, require_clock

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor


# Bounds one refresh, so that a backlog is merged in steps that stay within the statement time-out.
# More share rows: 400,000 cost PostgreSQL a third less than 200,000. But they take more memory.
# After 180,000 events a worker with its chores held 409 MiB with 250,000, and 346 with 200,000.
MEASURES_A_TIME = 200_000
# So few measures are merged at once; more wait until they share rows with what comes.
FEW_MEASURES = 20_000
DUE_AFTER = timedelta(seconds=30)


def is_due(cursor: Cursor, which: Refresh, now: datetime) -> bool:
    """Whether little waits, or some has waited for long.

    A refresh that never was, or that is ahead of now, is due.
    """
    cursor.execute("SELECT as_of FROM rolling_clock WHERE refresh = %s", (which.name,))
    (as_of,) = cursor.fetchone() or (None,)
    if as_of is None or not timedelta(0) <= now - as_of < DUE_AFTER:
        return True
    return measures_waiting(cursor, which.level) <= FEW_MEASURES


def refresh(cursor: Cursor, which: Refresh, as_of: datetime, most: int) -> int | None:
    """Refresh these tables as of `as_of`, or as of the last refresh if that was later.

    It merges about `most` measures at most. Returns how many were merged, None if another worker
    holds the lock.
    """
    if not try_lock(cursor, which.lock):
        return None
    # Grouping thousands of keys in memory is several times as fast as on disk.
    cursor.execute("SET LOCAL work_mem = '64MB'")
    before, as_of = _advance_clock(cursor, which, as_of)
    if before is None or before < as_of:
        shift_windows(cursor, which, before, as_of)
    merged = merge_waiting(cursor, which.level, as_of, most)
    if which is OF_SITES:
        note_late_hours(cursor, merged, as_of)
    return merged.measures


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
) -> tuple[datetime | None, datetime]:
    """When the last refresh was, and when this one is."""
    cursor.execute("SELECT as_of FROM rolling_clock WHERE refresh = %s", (refresh.name,))
    (before,) = cursor.fetchone() or (None,)
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
        "INSERT INTO rolling_clock (refresh, as_of) VALUES (%s, %s)"
        " ON CONFLICT (refresh) DO UPDATE SET as_of = excluded.as_of",
        (refresh.name, as_of),
    )
    return before, as_of
