"""A deadline on the client's side for work on a connection.

libpq has no read time-out, and the kernel of a stopped server still acknowledges: without this a hung server would hang the
worker for ever. When the time is up the socket is shut down, and the call in progress fails with a connection error.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def deadline(file_descriptor: int, seconds: float) -> Iterator[None]:
    """Shut the connection's socket down unless the block ends within `seconds`."""
    # The duplicate stays valid even if the connection is closed meanwhile, so no other socket can be hit.
    duplicate = socket.socket(fileno=os.dup(file_descriptor))
    timer = threading.Timer(seconds, _shut_down, [duplicate])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        duplicate.close()


def _shut_down(duplicate: socket.socket) -> None:
    try:
        duplicate.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already
