"""Sets a deadline on the client's side for work on a connection.

libpq has no read time-out, and the kernel of a stopped server still acknowledges: without this a
hung server would hang the worker for ever. When the time is up, the socket is shut down, and the
call in progress fails with a connection error.

One lasting thread keeps all deadlines. A thread for each transaction could not start if the process
has as many threads as it may have. Then nothing would be taken in.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_SLEEP_SECONDS = 3600.0


@contextmanager
def deadline(file_descriptor: int, seconds: float) -> Iterator[Callable[[], bool]]:
    """Shut the connection's socket down unless the block ends within `seconds`.

    The function that it yields tells whether it did.
    """
    # The duplicate stays valid even if the connection is closed meanwhile, so no other socket can
    # be hit.
    duplicate = socket.socket(fileno=os.dup(file_descriptor))
    try:
        _deadlines.add(duplicate, time.monotonic() + seconds)
        try:
            yield partial(_deadlines.has_passed, duplicate)
        finally:
            _deadlines.remove(duplicate)
    finally:
        duplicate.close()


class _Deadlines:
    """The sockets with a deadline, and the thread that shuts them down."""

    def __init__(self) -> None:
        self._due: dict[socket.socket, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def add(self, connection: socket.socket, moment: float) -> None:
        """Shut `connection` down at `moment` of the monotonic clock.

        Raises RuntimeError if the one thread cannot be started.
        """
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._run, name="voc-deadlines", daemon=True)
                thread.start()
                self._thread = thread
            self._due[connection] = moment
            # Deadlines are of about the same length, so the thread is seldom woken: it looks again
            # when the earliest deadline that it knew is due.
            if moment < self._wakes_at:
                self._changed.notify()

    def has_passed(self, connection: socket.socket) -> bool:
        """Whether `connection` was shut down."""
        with self._changed:
            return connection not in self._due

    def remove(self, connection: socket.socket) -> None:
        """Remove a deadline whose work is done; the thread does not touch `connection` any more."""
        with self._changed:
            self._due.pop(connection, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for connection in [each for each, moment in self._due.items() if moment <= now]:
                    del self._due[connection]
                    _shut_down(connection)
                self._wakes_at = min(self._due.values(), default=now + LONGEST_SLEEP_SECONDS)
                self._changed.wait(self._wakes_at - now)


_deadlines = _Deadlines()


def _shut_down(duplicate: socket.socket) -> None:
    try:
        duplicate.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
