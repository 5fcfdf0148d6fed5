"""A worker whose clock is wrong, and set right while it runs: a real process, with libfaketime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import message, touchpoint

from voc_stream.simulator.delivery.message import VALID, SimulatedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from end_to_end.harness import Service, Worker

LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
)
LIBRARY = next((library for library in LIBRARIES if Path(library).exists()), None)

pytestmark = [
    pytest.mark.slow,  # a clock that was set is compared within 5 s, again and again
    pytest.mark.skipif(
        LIBRARY is None, reason="libfaketime is not installed: apt-get install faketime"
    ),
]


def events(name: str, count: int, ahead: timedelta = timedelta(0)) -> Iterator[SimulatedMessage]:
    """Touchpoints of this moment, or ahead of it."""
    moment = datetime.now(UTC) + ahead
    for number in range(count):
        value = message(touchpoint(f"{name}-{number}", occurred_at=moment.isoformat()))
        yield SimulatedMessage(moment, moment, "touchpoints", b"u-1", value, VALID)


class Clocked:
    """A worker whose clock the test sets."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.difference = service.folder / "difference"
        self.set("+0s")
        more = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.difference),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
        }
        self.worker: Worker = service.start_other(more=more)

    def set(self, difference: str) -> None:
        """Its clock shows so much more than it is."""
        new = self.difference.with_suffix(".new")
        new.write_text(difference)
        new.replace(self.difference)

    def wait_until_it_says(self, part: str) -> None:
        """Until its page says why it takes in nothing; `` where it does."""
        self.service.wait_until(
            lambda: part in (said := self.worker.unready()) and bool(said) == bool(part),
            60,
            self.worker.unready,
        )

    def taken_in(self) -> tuple[int, int]:
        """Events and dead letters in the tables."""
        return self.service.query(
            "SELECT (SELECT count(*) FROM touchpoint_event), (SELECT count(*) FROM dead_letter)"
        )[0]


def test_events_wait_while_the_clock_of_a_worker_is_wrong(service: Service) -> None:
    """An hour behind, no live event is refused.

    An hour ahead, none of the future is taken in; set right, all goes on by itself.
    """
    clocked = Clocked(service)
    clocked.wait_until_it_says("")
    clocked.set("-1h")
    clocked.wait_until_it_says("behind PostgreSQL's")
    service.send(events("behind", 5))
    clocked.service.wait_until(
        lambda: clocked.worker.metric("voc_clock_skew_seconds") < -3590, 30, "the metric"
    )
    assert clocked.taken_in() == (0, 0)
    clocked.set("+0s")
    service.wait_until(lambda: clocked.taken_in() == (5, 0), 60, lambda: str(clocked.taken_in()))
    clocked.set("+1h")
    clocked.wait_until_it_says("ahead of PostgreSQL's")
    service.send([*events("ahead", 5), *events("future", 1, timedelta(minutes=65))])
    clocked.service.wait_until(
        lambda: clocked.worker.metric("voc_clock_skew_seconds") > 3590, 30, "the metric"
    )
    assert clocked.taken_in() == (5, 0)
    clocked.set("+0s")
    service.wait_until(lambda: clocked.taken_in() == (10, 1), 60, lambda: str(clocked.taken_in()))
    assert service.query("SELECT reason FROM dead_letter") == [("time_in_future",)]
    clocked.set("-1h")
    clocked.wait_until_it_says("behind PostgreSQL's")
    service.send(events("last", 1))
    clocked.worker.stop()
    assert clocked.worker.child.exit_code() == 0


def test_a_worker_that_starts_with_a_wrong_clock_waits(service: Service) -> None:
    """It does not join its group: its partitions stay with workers whose clocks are right."""
    clocked = Clocked(service)
    clocked.set("-1h")
    clocked.wait_until_it_says("behind PostgreSQL's")
    service.send(events("behind", 5))
    service.start_worker()
    service.wait_until(lambda: clocked.taken_in() == (5, 0), 60, lambda: str(clocked.taken_in()))
    assert "behind" in clocked.worker.unready()
    clocked.worker.stop()
    assert clocked.worker.child.exit_code() == 0
