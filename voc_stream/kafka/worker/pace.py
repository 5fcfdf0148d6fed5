"""Says when a timer's work is due, by pure decisions.

It is never due before its interval. While events wait, it is due for mostly no more than a tenth of
the time.
"""

from __future__ import annotations

from dataclasses import dataclass

REST_PER_WORK = 9.0
"""While events wait, rest nine times as long as the last run took: ten percent duty."""
LONGEST_REST_SECONDS = 10.0
"""The longest rest, however long the work took.

People who read the tables in a backlog should not wait for minutes.
"""


@dataclass(slots=True)
class Pace:
    """Says when to run next; moments are seconds of one monotonic clock.

    >>> pace = Pace(interval_seconds=2.0)
    >>> pace.is_due(now=0.0, events_wait=True)
    True
    >>> pace.ran(started=0.0, ended=1.0)
    >>> pace.is_due(now=9.0, events_wait=True), pace.is_due(now=9.0, events_wait=False)
    (False, True)
    >>> pace.is_due(now=10.0, events_wait=True)
    True
    """

    interval_seconds: float
    _started: float | None = None
    _ended: float = 0.0

    def is_due(self, now: float, *, events_wait: bool) -> bool:
        """Whether to run now; at once the first time.

        `events_wait` says whether there is a stream that should be left in peace.
        """
        if self._started is None:
            return True
        rest = (
            min(LONGEST_REST_SECONDS, REST_PER_WORK * (self._ended - self._started))
            if events_wait
            else 0.0
        )
        return now >= max(self._started + self.interval_seconds, self._ended + rest)

    def ran(self, started: float, ended: float) -> None:
        """Note a run, whether it succeeded or not."""
        self._started, self._ended = started, ended
