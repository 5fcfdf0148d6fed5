"""The clock of this machine, compared with that of the server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

FUTURE_TOLERANCE = timedelta(minutes=10)
"""How far ahead of the server's clock a worker's may be."""


def require_clock(cursor: Cursor, moment: datetime) -> None:
    """Raise ValueError where `moment`, which a worker takes for now, is far ahead: what ends by the clock is not brought back."""
    cursor.execute("SELECT now()")
    (latest,) = cursor.fetchone()  # type: ignore[misc]  # a SELECT without FROM gives one row
    if moment > latest + FUTURE_TOLERANCE:
        raise ValueError(
            f"the clock of this machine shows {moment:%Y-%m-%d %H:%M} UTC and that of PostgreSQL {latest:%Y-%m-%d %H:%M}: set it"
        )
