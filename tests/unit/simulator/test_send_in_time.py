from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from voc_stream.kafka.simulated import TimedMessage, send_in_time
from voc_stream.simulator.message import SimulatedMessage


def _message(sent_at: datetime) -> SimulatedMessage:
    return SimulatedMessage(sent_at, sent_at, "callbacks", b"c-1", b"{}", "valid")


def test_messages_of_the_past_go_at_once() -> None:
    """History does not wait, and what was sent is counted by kind."""
    sent: list[TimedMessage] = []
    past = [_message(datetime(2025, 3, 1, tzinfo=UTC))] * 1000
    assert send_in_time(past, sent.append, threading.Event()) == {"valid": 1000}
    assert sent == past


def test_each_message_goes_at_its_moment() -> None:
    """No message is early, and waits are until absolute moments, so the last is not later than its own moment asks for."""
    begin = datetime.now(UTC)
    due = [begin + timedelta(milliseconds=10 * k) for k in range(20)]
    moments: list[datetime] = []
    send_in_time(map(_message, due), lambda _: moments.append(datetime.now(UTC)), threading.Event())
    delays = [(moment - wanted).total_seconds() for moment, wanted in zip(moments, due, strict=True)]
    assert min(delays) >= 0
    assert sorted(delays)[len(delays) // 2] < 0.1


def test_stop_ends_a_wait() -> None:
    """A stop during a long wait ends it at once, without sending."""
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    begin = time.monotonic()
    assert send_in_time([_message(datetime.now(UTC) + timedelta(hours=1))], lambda _: None, stop) == {}
    assert time.monotonic() - begin < 10


def test_stop_ends_a_stream_that_never_waits() -> None:
    """A stop also ends an endless history."""
    stop = threading.Event()
    endless = iter(lambda: _message(datetime(2025, 3, 1, tzinfo=UTC)), None)
    sent: list[TimedMessage] = []

    def send(message: TimedMessage) -> None:
        sent.append(message)
        if len(sent) == 5:
            stop.set()

    assert send_in_time(endless, send, stop) == {"valid": 5}
