"""Says when something is due again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Every:
    """Is due at once, and again when the last time is older than `seconds`.

    It is also due when the clock has gone back behind the last time. Moments are seconds of one
    clock, whichever it is: `time.monotonic()`, or `now.timestamp()`. The caller that does the work
    says that it is done, so that work that failed is due again.

    >>> hourly = Every(3600)
    >>> hourly.is_due(0.0)
    True
    >>> hourly.done(0.0)
    >>> hourly.is_due(3599.0), hourly.is_due(3600.0), hourly.is_due(-1.0)
    (False, True, True)
    """

    seconds: float
    _last: float | None = None

    def is_due(self, moment: float) -> bool:
        """Whether it is time."""
        return self._last is None or not 0 <= moment - self._last < self.seconds

    def done(self, moment: float) -> None:
        """Note that it was done at this moment."""
        self._last = moment

    def forget(self) -> None:
        """Make it due again, whenever it was done."""
        self._last = None
