from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from voc_stream.kafka.life.watchdog import Life, Watchdog, exit_unless_done, reason_to_end

NOW = 10_000.0
WELL = Life(
    loop_beat=NOW,
    consumer_beat=NOW,
    consumer_error=None,
    last_progress=NOW,
    lag_measured=NOW,
    lag_events=0,
    rebalancing_since=None,
)


@pytest.mark.parametrize(
    ("life", "reason"),
    [
        (WELL._replace(loop_beat=NOW - 31), "main loop"),
        (WELL._replace(consumer_beat=NOW - 31), "consumer's loop"),
        (WELL._replace(rebalancing_since=NOW - 181), "rebalance"),
        (
            WELL._replace(rebalancing_since=NOW, consumer_error="AssertionError()"),
            "group no more (AssertionError())",
        ),
        (WELL._replace(lag_events=1, last_progress=NOW - 121), "1 messages wait"),
        (WELL._replace(lag_measured=NOW - 181), "end of the log"),
    ],
)
def test_a_worker_that_is_alive_but_does_nothing_must_end(life: Life, reason: str) -> None:
    """Each way to stop silently is seen, and the reason names it."""
    assert reason in str(reason_to_end(life, NOW, stall_timeout_seconds=120))


@pytest.mark.parametrize(
    "life",
    [
        WELL,
        WELL._replace(loop_beat=NOW - 29, consumer_beat=NOW - 29),
        WELL._replace(lag_events=0, last_progress=NOW - 100_000),
        WELL._replace(lag_events=9, last_progress=NOW - 119),
        WELL._replace(lag_events=9, last_progress=NOW - 170, rebalancing_since=NOW - 170),
    ],
)
def test_an_idle_a_busy_and_a_rebalancing_worker_may_live(life: Life) -> None:
    """No lag is no stall however long, and a rebalance has its own time."""
    assert reason_to_end(life, NOW, stall_timeout_seconds=120) is None


def test_the_watchdog_ends_the_worker_once() -> None:
    """The thread acts on the verdict."""
    reasons: list[str] = []
    told = threading.Event()
    old = WELL._replace(loop_beat=time.monotonic() - 100)

    def end(reason: str) -> None:
        reasons.append(reason)
        told.set()

    watchdog = Watchdog(lambda: old, 120, end)
    watchdog.start()
    assert told.wait(5)
    watchdog.join(5)
    assert len(reasons) == 1


def test_a_stopped_watchdog_never_ends_the_process() -> None:
    """Whoever stops it stops in order.

    A worker that looks dead by then is ending, and is not ended.
    """
    reasons: list[str] = []
    watchdog = Watchdog(
        lambda: WELL._replace(loop_beat=time.monotonic() - 100), 120, reasons.append
    )
    watchdog.stop()
    watchdog.start()
    watchdog.join(5)
    assert not watchdog.is_alive()
    assert reasons == []


def test_a_watchdog_that_is_stopped_while_it_looks_does_not_end_the_process() -> None:
    """The stop may come between the look and the verdict.

    What was seen before it does not count after it.
    """
    reasons: list[str] = []

    def look() -> Life:
        watchdog.stop()
        return WELL._replace(loop_beat=time.monotonic() - 100)

    watchdog = Watchdog(look, 120, reasons.append)
    watchdog.start()
    watchdog.join(5)
    assert not watchdog.is_alive()
    assert reasons == []


def test_a_hanging_process_ends_with_code_75() -> None:
    """Not even a thread that never returns keeps the process after the deadline for stopping."""
    code = """
import threading
from voc_stream.kafka.life.watchdog import exit_unless_done
exit_unless_done(0.2)
threading.Thread(target=threading.Event().wait).start()
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            timeout=20,
            capture_output=True,
            check=False,
        ).returncode
        == 75
    )


def test_a_disarmed_deadline_does_nothing() -> None:
    """Whoever ends in time cancels it."""
    reasons: list[str] = []
    timer = exit_unless_done(0.05, reasons.append)
    timer.cancel()
    timer.join()
    assert reasons == []
