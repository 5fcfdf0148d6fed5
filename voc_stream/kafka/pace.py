"""When a timer's work is due: not before its interval, and never more than a tenth of the time while events wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass

REST_PER_WORK = 9.0
"""While events wait, rest nine times as long as the last run took: ten percent duty."""


@dataclass(slots=True)
class Pace:
    """Moments are of one monotonic clock, in seconds.

    >>> pace = Pace(interval_seconds=2.0)
    >>> pace.is_due(now=0.0)
    True
    >>> pace.ran(started=0.0, ended=1.0, events_wait=True)
    >>> pace.is_due(now=9.0), pace.is_due(now=10.0)
    (False, True)
    >>> pace.ran(started=10.0, ended=13.0, events_wait=False)
    >>> pace.is_due(now=13.0)
    True
    """

    interval_seconds: float
    _next: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether to run now; at once the first time."""
        return self._next is None or now >= self._next

    def ran(self, started: float, ended: float, *, events_wait: bool) -> None:
        """Note a run, whether it succeeded or not, and whether there is a stream to be left in peace."""
        rest = REST_PER_WORK * (ended - started) if events_wait else 0.0
        self._next = max(started + self.interval_seconds, ended + rest)
