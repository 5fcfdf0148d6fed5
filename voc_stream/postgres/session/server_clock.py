"""Compares the clock of this machine with the server's, and with the times that are stored."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.errors import VocError
from voc_stream.pipeline.clocks import ClockReading

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Cursor

FUTURE_TOLERANCE = timedelta(minutes=10)
"""How far ahead of the server's clock a moment may be that a caller takes for now."""


class ClockError(VocError):
    """A clock is wrong; the message says which, and what to do."""


def read_clocks(cursor: Cursor) -> ClockReading:
    """Ask the server for its clock, and for the latest times that are stored."""
    asked, started = time.monotonic(), datetime.now(UTC)
    cursor.execute("SELECT clock_timestamp()")
    (server,) = cursor.fetchone()  # type: ignore[misc]  # a SELECT without FROM gives one row
    round_trip_seconds = time.monotonic() - asked
    cursor.execute(
        "SELECT (SELECT max(as_of) FROM rolling_clock), (SELECT max(as_of) FROM evaluation_clock),"
        " (SELECT max(event_time) FROM stream_position)"
    )
    refreshed, evaluated, heard = cursor.fetchone()  # type: ignore[misc]  # each query gives one row
    middle_seconds = round_trip_seconds / 2
    return ClockReading(
        started + timedelta(seconds=middle_seconds),
        server,
        asked + middle_seconds,
        timedelta(seconds=round_trip_seconds),
        refreshed,
        evaluated,
        heard,
    )


def server_now(cursor: Cursor) -> datetime:
    """When the transaction began, by the server's clock."""
    cursor.execute("SELECT now()")
    (moment,) = cursor.fetchone()  # type: ignore[misc]  # a SELECT without FROM gives one row
    return moment  # type: ignore[no-any-return]  # the driver is not typed


def require_clock(cursor: Cursor, moment: datetime) -> datetime:
    """Read the server's clock, and make sure that `moment` is not far ahead of it.

    Raises ClockError if `moment` is far ahead: what ends by the clock is not brought back.
    """
    latest = server_now(cursor)
    if moment > latest + FUTURE_TOLERANCE:
        raise ClockError(
            f"the clock of this machine shows {moment:%Y-%m-%d %H:%M} UTC and that of PostgreSQL"
            f" {latest:%Y-%m-%d %H:%M}: set it"
        )
    return latest
