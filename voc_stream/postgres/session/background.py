"""Runs statements in the background while the next rows are formatted.

A batch costs Python about as much time as PostgreSQL. Statements handed over here run in order on a
thread of their own. psycopg2 lets the interpreter go while PostgreSQL works, so the two overlap.
The connection belongs to that thread until `wait` returns.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class Background:
    """Runs statements in the background, in order."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="statements")
        self._under_way: list[Future[None]] = []

    def run(self, statement: Callable[[], None]) -> None:
        """Hand over one statement; its error appears in `wait`."""
        self._under_way.append(self._thread.submit(statement))

    def wait(self) -> None:
        """Wait until all that was handed over has ended.

        Raises the first error; what came after it failed because of it.
        """
        under_way, self._under_way = self._under_way, []
        errors = [
            error for error in [future.exception() for future in under_way] if error is not None
        ]
        if errors:
            raise errors[0]

    def abandon(self) -> None:
        """Wait until all has ended, in whatever way."""
        wait(self._under_way)
        self._under_way = []

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()
