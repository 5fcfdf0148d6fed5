"""Keeps up to when the detectors have heard, and what was found at the last look."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.postgres.alerting.watching.look import Look

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Look).decode


class WatchClock(NamedTuple):
    """Where the detectors stand together.

    Attributes:
        heard_until: the hours before it are in every row that is not stale.
        number: of the evaluation. Who knows the last one knows the rows.
        is_look_due: whether something older than a day came since the last look.
    """

    heard_until: datetime
    number: int
    is_look_due: bool


def read_clock(cursor: Cursor) -> WatchClock | None:
    """The clock; None before the first evaluation."""
    cursor.execute("SELECT heard_until, number, is_look_due FROM detector_clock")
    row = cursor.fetchone()
    return WatchClock(*row) if row else None


def read_look(cursor: Cursor) -> Look:
    """What was found at the last look; there was one."""
    cursor.execute("SELECT look::text FROM detector_clock")
    (text,) = cursor.fetchone()  # type: ignore[misc]  # the caller read the clock
    return _decode(text)


def write_clock(cursor: Cursor, clock: WatchClock, look: Look | None) -> None:
    """Write the clock, and what was found if it was looked."""
    if look is None:
        cursor.execute(
            "UPDATE detector_clock SET heard_until = %s, number = %s, is_look_due = %s", clock
        )
        return
    cursor.execute(
        "INSERT INTO detector_clock (clock, heard_until, number, is_look_due, look)"
        " VALUES ('detectors', %s, %s, %s, %s::json)"
        " ON CONFLICT (clock) DO UPDATE SET heard_until = excluded.heard_until,"
        " number = excluded.number, is_look_due = excluded.is_look_due, look = excluded.look",
        (*clock, _encode(look).decode()),
    )
