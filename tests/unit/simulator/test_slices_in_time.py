from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime, timedelta

from voc_stream.kafka.timed_sender import MAXIMUM_SLICE, slices_in_time
from voc_stream.simulator.delivery.message import SimulatedMessage

PAST = datetime(2025, 3, 1, tzinfo=UTC)


def _message(sent_at: datetime) -> SimulatedMessage:
    return SimulatedMessage(sent_at, sent_at, "callbacks", b"c-1", b"{}", "valid")


def test_messages_of_the_past_come_at_once_in_slices() -> None:
    """History does not wait, and no slice is longer than the maximum."""
    slices = list(slices_in_time([_message(PAST)] * (MAXIMUM_SLICE + 1), threading.Event()))
    assert [len(due) for due in slices] == [MAXIMUM_SLICE, 1]


def test_each_message_comes_at_its_moment() -> None:
    """No message is early, and waits are until absolute moments, so that delays do not add up."""
    begin = datetime.now(UTC)
    messages = [_message(begin + timedelta(milliseconds=10 * k)) for k in range(20)]
    delays: list[float] = []
    given: list[SimulatedMessage] = []
    for due in slices_in_time(messages, threading.Event()):
        moment = datetime.now(UTC)
        given += due
        delays += [(moment - message.sent_at).total_seconds() for message in due]
    assert given == messages
    assert min(delays) >= 0
    assert sorted(delays)[len(delays) // 2] < 0.1


def test_what_came_due_meanwhile_comes_together() -> None:
    """If sending takes long, the next slice holds all that is due by then."""
    clock = itertools.chain([timedelta(0)], itertools.repeat(timedelta(seconds=10)))
    messages = [_message(PAST + timedelta(seconds=second)) for second in (0, 1, 2, 3)]
    slices = list(slices_in_time(messages, threading.Event(), now=lambda: PAST + next(clock)))
    assert [message for due in slices for message in due] == messages
    assert len(slices) == 1


def test_stop_ends_a_wait() -> None:
    """A stop during a long wait ends it at once, without giving the message."""
    stop = threading.Event()
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    begin = time.monotonic()
    assert list(slices_in_time([_message(datetime.now(UTC) + timedelta(hours=1))], stop)) == []
    assert time.monotonic() - begin < 10
    timer.join()


def test_stop_ends_a_stream_that_never_waits() -> None:
    """A stop between slices ends an endless history."""
    stop = threading.Event()
    slices = slices_in_time(itertools.repeat(_message(PAST)), stop)
    assert len(next(slices)) == MAXIMUM_SLICE
    stop.set()
    assert list(slices) == []
