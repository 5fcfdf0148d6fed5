"""Keeps one child running.

A child that ends by itself is started again, after a pause that grows while it keeps ending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voc_stream.embedded.processes.child import Child

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# One that ran so long is taken to have been well: the next pause is the first one again.
WELL_AFTER_SECONDS = 60.0


class Supervisor:
    """One supervised child. `check` has to be called every second or so.

    Args:
        child: the running child.
        restart: starts it again; an EmbeddedError is shown and tried again later.
        now: monotonic time in seconds.
    """

    def __init__(self, child: Child, restart: Callable[[], Child], now: float) -> None:
        self.child = child
        self._restart = restart
        self._started = now
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._restart_at: float | None = None

    def check(self, now: float) -> str | None:
        """Notice its end, and start it again once the pause is over.

        Returns what happened, for people; None if nothing did.
        """
        if self._restart_at is not None:
            return self._start_again(now) if now >= self._restart_at else None
        code = self.child.exit_code()
        if code is None:
            return None
        if now - self._started >= WELL_AFTER_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        return self._plan(
            now, f"{self.child.name} ended with code {code} (see {self.child.log_path})"
        )

    def _start_again(self, now: float) -> str:
        try:
            self.child = self._restart()
        except EmbeddedError as error:
            return self._plan(now, str(error))
        self._restart_at, self._started = None, now
        return f"{self.child.name} was started again"

    def _plan(self, now: float, what: str) -> str:
        self._restart_at = now + self._pause_seconds
        message = f"{what}; starting it again in {self._pause_seconds:.0f} s"
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        return message
