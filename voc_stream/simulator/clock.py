"""Maps the time of the story to the time on the events.

The story counts working seconds: those in which the shops are open, 0 at the start of the live
part. In the history a working second lasts a second, and nights are skipped. In the live part
`speed` of them pass in one second, and there is no night. The map never goes back, so whatever is
before or after a promise in the story is so in the tables.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

OPEN_SECONDS = 10 * 3600
"""How many seconds a shop is open in a day."""
OPENING_SECOND = 0
"""The second of the UTC day at which shops open: 08:00 in China."""
DAY_SECONDS = 86_400
PROMISE_STEP_SECONDS = 900
"""Promises are made in quarters of an hour."""


class WorkshopClock:
    """Maps working seconds to moments.

    >>> clock = WorkshopClock(datetime(2025, 3, 1, 1, tzinfo=UTC), speed=600)
    >>> clock.moment(-3600 - 60).isoformat()
    '2025-02-28T09:59:00+00:00'
    >>> clock.moment(36000).isoformat()
    '2025-03-01T01:01:00+00:00'
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self._start = start.timestamp()
        self._speed = speed
        days, second = divmod(self._start, DAY_SECONDS)
        self._start_working = days * OPEN_SECONDS + min(
            max(second - OPENING_SECOND, 0.0), OPEN_SECONDS
        )

    def posix(self, working: float) -> float:
        """The POSIX time of a working second, to the millisecond."""
        if working >= 0:
            return round(self._start + working / self._speed, 3)
        days, second = divmod(self._start_working + working, OPEN_SECONDS)
        # Closing time is also the next opening. If it is both, the history ends with the one before
        # the start.
        return round(min(days * DAY_SECONDS + OPENING_SECOND + second, self._start), 3)

    def moment(self, working: float) -> datetime:
        """The UTC time of a working second, to the millisecond."""
        return datetime.fromtimestamp(self.posix(working), UTC)

    def live_seconds(self, working: float) -> float:
        """The seconds since the start; negative in the history."""
        return self.posix(working) - self._start

    def next_quarter(self, working: float) -> float:
        """The next quarter of a working hour at or after a working second, in working seconds."""
        since = self._start_working + working
        return math.ceil(since / PROMISE_STEP_SECONDS) * PROMISE_STEP_SECONDS - self._start_working
