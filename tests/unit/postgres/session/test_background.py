from __future__ import annotations

import threading
from contextlib import closing
from functools import partial

import pytest

from voc_stream.postgres.session.background import Background


def note(done: list[tuple[int, int]], number: int) -> None:
    done.append((number, threading.get_ident()))


def fail() -> None:
    raise ValueError("first")


def fail_later() -> None:
    raise ValueError("second")


def test_statements_run_in_order_in_the_background() -> None:
    """What is handed over runs elsewhere, one after the other.

    All of it has ended after waiting.
    """
    done: list[tuple[int, int]] = []
    with closing(Background()) as background:
        for number in range(50):
            background.run(partial(note, done, number))
        background.wait()
    assert [number for number, _ in done] == list(range(50))
    assert {thread for _, thread in done} != {threading.get_ident()}


def test_the_first_error_is_raised_once() -> None:
    """The error that made the others fail is the one to judge by.

    The next batch starts without it.
    """
    with closing(Background()) as background:
        background.run(fail)
        background.run(fail_later)
        with pytest.raises(ValueError, match="first"):
            background.wait()
        background.run(lambda: None)
        background.wait()


def test_what_is_abandoned_has_ended_and_raises_nothing() -> None:
    """After a failed transaction the connection is free for the rollback."""
    gate, ended = threading.Event(), threading.Event()

    def statement() -> None:
        gate.wait()
        ended.set()
        raise ValueError("too late")

    with closing(Background()) as background:
        background.run(statement)
        gate.set()
        background.abandon()
        assert ended.is_set()
        background.wait()
