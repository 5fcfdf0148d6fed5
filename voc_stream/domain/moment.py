"""Says when an event occurred, in the one time zone that everything is counted in.

States that are written with each event keep moments as microseconds since 1970, which are short.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voc_stream.events.types.base import Event

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
MINUTE_MICROSECONDS = 60_000_000


def moment_of(event: Event) -> datetime:
    """When an event occurred, in UTC."""
    occurred_at = event.occurred_at
    return occurred_at if occurred_at.tzinfo is UTC else occurred_at.astimezone(UTC)


def microseconds_of(moment: datetime) -> int:
    """A moment in microseconds since 1970.

    >>> microseconds_of(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The moment so many microseconds after the beginning of 1970, in UTC."""
    return EPOCH + microseconds * MICROSECOND
