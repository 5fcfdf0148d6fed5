"""When a timer's work is due: not before its interval, and never more than a tenth of the time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

REST_PER_WORK = 9.0
"""Rest nine times as long as the last run took: ten percent duty."""


@dataclass(slots=True)
class Pace:
    """Moments are of one monotonic clock, in seconds.

    >>> pace = Pace(interval_seconds=2.0)
    >>> pace.is_due(now=0.0)
    True
    >>> pace.ran(started=0.0, ended=1.0)
    >>> pace.is_due(now=9.0), pace.is_due(now=10.0)
    (False, True)
    """

    interval_seconds: float
    _next: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether to run now; at once the first time."""
        return self._next is None or now >= self._next

    def ran(self, started: float, ended: float) -> None:
        """Note a run, whether it succeeded or not."""
        self._next = max(started + self.interval_seconds, ended + REST_PER_WORK * (ended - started))
