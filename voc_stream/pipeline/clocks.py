"""Decides what a worker may believe of its clock.

The clock is compared with PostgreSQL's, with the times that were stored, and with the events.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

LARGEST_SKEW = timedelta(minutes=5)
"""How far two clocks may differ.

An event may lie ten minutes ahead; the other half of that is left to the clock of its producer.
"""
LARGEST_LEAP = timedelta(days=2)
"""How far clocks may go on at once, or have been ahead.

What ends by the clock is kept so much longer, so that a leap costs nothing.
"""
BELIEVED_AFTER = timedelta(minutes=10)
"""After so long a leap is believed, even if no event confirms it."""


class ClockReading(NamedTuple):
    """What the clocks showed at one moment.

    Attributes:
        worker: this machine's clock, in the middle of the round trip.
        server: PostgreSQL's clock.
        monotonic_seconds: this process's monotonic clock, in the middle of the round trip.
        round_trip: how long the question took; the clocks are known to half of it.
        refreshed: the latest moment of which the rolling tables are; None before the first refresh.
        evaluated: the latest moment of which the alerts are; None before the first evaluation.
        heard: when the latest event occurred that was taken in; None before the first.
    """

    worker: datetime
    server: datetime
    monotonic_seconds: float
    round_trip: timedelta
    refreshed: datetime | None = None
    evaluated: datetime | None = None
    heard: datetime | None = None

    @property
    def skew(self) -> timedelta:
        """How far this machine's clock is ahead of PostgreSQL's.

        It is no more than what the round trip leaves certain.
        """
        difference, doubt = self.worker - self.server, self.round_trip / 2
        return (
            max(timedelta(0), difference - doubt)
            if difference > timedelta(0)
            else min(timedelta(0), difference + doubt)
        )

    @property
    def stored_ahead(self) -> timedelta:
        """How far the latest stored moment is ahead of PostgreSQL's clock; zero if none is."""
        return max(
            [
                timedelta(0),
                *(
                    stored - self.server
                    for stored in (self.refreshed, self.evaluated)
                    if stored is not None
                ),
            ]
        )


def disagreement(skew: timedelta) -> str | None:
    """Why events must wait, given how far this machine's clock is ahead of PostgreSQL's.

    None if they need not.

    >>> disagreement(timedelta(minutes=4)) is None
    True
    >>> disagreement(timedelta(hours=-1))
    "the clock of this machine is 1:00:00 behind PostgreSQL's: set the wrong one; events wait..."
    """
    if abs(skew) <= LARGEST_SKEW:
        return None
    side = "ahead of" if skew > timedelta(0) else "behind"
    said = f"the clock of this machine is {_whole_seconds(skew)} {side} PostgreSQL's"
    return f"{said}: set the wrong one; events wait meanwhile, and none is refused"


def stored_problem(reading: ClockReading) -> str | None:
    """Why the tables do not move on, if a clock was ahead when they were written.

    None if no clock was.
    """
    if reading.stored_ahead <= LARGEST_SKEW:
        return None
    said = (
        f"the tables were last refreshed or evaluated {_whole_seconds(reading.stored_ahead)} ahead"
        f" of now: a clock was ahead"
    )
    if needs_rebuild(reading):
        return f"{said}; stop the cause and run `voc-stream rebuild`"
    return f"{said}; the next refresh mends it"


def needs_rebuild(reading: ClockReading) -> bool:
    """Whether the rolling tables are so far ahead that panes are gone.

    The horizons need those panes again.
    """
    return reading.refreshed is not None and reading.refreshed - reading.server > LARGEST_LEAP


def leap(reading: ClockReading) -> timedelta | None:
    """How far both clocks have gone on since the last refresh, if that is too far.

    None if it can be believed at once. What leaves the panes comes back only by a rebuild. So a
    clock is followed no farther than the panes have to spare, until an event of about that time has
    come in.
    """
    if reading.refreshed is None or reading.server - reading.refreshed <= LARGEST_LEAP:
        return None
    if reading.heard is not None and reading.server - reading.heard <= LARGEST_LEAP:
        return None
    return reading.server - reading.refreshed


def _whole_seconds(length: timedelta) -> timedelta:
    return timedelta(seconds=round(abs(length).total_seconds()))
