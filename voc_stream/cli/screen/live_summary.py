"""Shows the summary while `up` runs.

It is read now and then, never so often that it slows the worker.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.live import Live

from voc_stream.cli.screen import summary_view
from voc_stream.cli.screen.summary_view import Flow
from voc_stream.cli.screen.terminal import say
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.reading.summary import read_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

LIVE_INTERVAL_SECONDS = 2.0
LINE_INTERVAL_SECONDS = 5.0
REST_PER_READING = 20.0


class Screen:
    """Shows the live summary: a panel in a terminal, else a line every few seconds.

    Messages stay above it.
    """

    def __init__(
        self, output: Console, database_url: str, lag_events: Callable[[], int | None]
    ) -> None:
        self._console = output
        self._database_url = database_url
        self._lag_events = lag_events
        self._live = Live(console=output, auto_refresh=False) if output.is_terminal else None
        self._due = 0.0
        self._last: tuple[float, int] | None = None

    def refresh(self, now: float) -> None:
        """Read and show the summary, if it is time."""
        if now < self._due:
            return
        started = time.monotonic()
        try:
            summary = read_summary(self._database_url)
        except StoreUnavailableError as error:
            self.say(f"no summary: PostgreSQL does not answer ({error})")
            return
        finally:
            # Counting takes longer as the tables grow; it must not compete with the worker.
            interval = LINE_INTERVAL_SECONDS if self._live is None else LIVE_INTERVAL_SECONDS
            self._due = now + max(interval, REST_PER_READING * (time.monotonic() - started))
        speed = None
        if self._last is not None:
            speed = (summary.events - self._last[1]) / (now - self._last[0])
        self._last = (now, summary.events)
        flow = Flow(speed, self._lag_events())
        if self._live is None:
            say(summary_view.line(summary, flow))
        else:
            self._live.update(summary_view.panel(summary, flow), refresh=True)

    def say(self, message: str) -> None:
        """Show a message that stays."""
        if self._live is None:
            say(message)
        else:
            self._console.print(message)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
