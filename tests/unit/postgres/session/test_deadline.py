from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

import pytest

from voc_stream.postgres.session.deadline import deadline


def test_a_socket_is_shut_down_when_its_time_is_up() -> None:
    """A call that waits on it ends.

    Sockets whose time is not up, or whose work is done, are left alone.
    """
    with ExitStack() as stack:
        (late, _), (early, _), (done, told) = pairs = [socket.socketpair() for _ in range(3)]
        for pair in pairs:
            for end in pair:
                stack.enter_context(end)
        with deadline(done.fileno(), 1.0):
            pass
        with (
            deadline(late.fileno(), 60.0),
            deadline(early.fileno(), 1.1),
        ):  # after the one that is done
            early.settimeout(10)
            assert early.recv(1) == b""  # the end of what can be read
            late.settimeout(0)
            with pytest.raises(BlockingIOError):
                late.recv(1)
        told.sendall(b"x")
        assert done.recv(1) == b"x"


def test_one_thread_keeps_all_deadlines() -> None:
    """Transactions must go on where the process has as many threads as it may have."""
    one, other = socket.socketpair()
    with one, other:
        with deadline(one.fileno(), 60.0):
            threads = threading.active_count()
        for _ in range(100):
            with deadline(one.fileno(), 60.0), deadline(other.fileno(), 30.0):
                assert threading.active_count() == threads
