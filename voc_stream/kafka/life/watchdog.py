"""Ends a worker that is alive but does nothing, so that its supervisor starts it again.

Faust and aiokafka have several ways to stop for ever without an error. Two were seen on Apache
Kafka 4.4.0 with plain Faust (tests/apache/test_known_bugs.py). A member idled past its poll
interval, and a seek outlasted the request timeout. There is a third way: aiokafka's coordination
fails for good if it asks while a cluster that was away tells of no broker. The watchdog is a plain
thread, so a blocked loop cannot stop it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.kafka.life.stack_dump import whereabouts

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_CODE = 75
"""EX_TEMPFAIL: start me again."""
LOOP_TIMEOUT_SECONDS = 30.0
REBALANCE_TIMEOUT_SECONDS = 180.0
LAG_UNKNOWN_TIMEOUT_SECONDS = 180.0
CHECK_INTERVAL_SECONDS = 1.0

log = logging.getLogger(__name__)


class Life(NamedTuple):
    """What the watchdog judges by; moments in seconds of a monotonic clock.

    Attributes:
        loop_beat: when the main loop last ran.
        consumer_beat: when the loop of the consumer's thread last ran.
        consumer_error: why the consumer can take part in its group no more; None if it can.
        last_progress: the latest of: a batch was committed, nothing lagged, the store did not
            answer.
        lag_measured: when the lag was last learnt from the broker.
        lag_events: messages in the log that are not yet in the store; without those of partitions
            that are held.
        rebalancing_since: when the rebalance that is going on, or the first joining of the group,
            began; None if there is none.
    """

    loop_beat: float
    consumer_beat: float
    consumer_error: str | None
    last_progress: float
    lag_measured: float
    lag_events: int
    rebalancing_since: float | None


def reason_to_end(life: Life, now: float, stall_timeout_seconds: float) -> str | None:
    """Why the worker must end; None if it may live."""
    if life.consumer_error is not None:
        return f"the consumer can take part in its group no more ({life.consumer_error})"
    if life.rebalancing_since is not None:
        # The main loop shows itself only once the group was joined, so this is judged first.
        waited = now - life.rebalancing_since
        return (
            f"a rebalance has not ended for {waited:.0f} s"
            if waited > REBALANCE_TIMEOUT_SECONDS
            else None
        )
    waits = (
        (now - life.loop_beat, LOOP_TIMEOUT_SECONDS, "the main loop has not run for {:.0f} s"),
        (
            now - life.consumer_beat,
            LOOP_TIMEOUT_SECONDS,
            "the consumer's loop has not run for {:.0f} s",
        ),
        (
            now - life.last_progress if life.lag_events > 0 else 0.0,
            stall_timeout_seconds,
            f"{life.lag_events} messages wait and no batch was committed for {{:.0f}} s",
        ),
        (
            now - life.lag_measured,
            LAG_UNKNOWN_TIMEOUT_SECONDS,
            "Kafka has not told the end of the log for {:.0f} s",
        ),
    )
    return next(
        (
            reason.format(seconds)
            for seconds, most_seconds, reason in waits
            if seconds > most_seconds
        ),
        None,
    )


def _exit(reason: str) -> None:
    try:
        log.error("where the worker hangs:\n%s", whereabouts())
    except Exception:  # whatever it is, the worker must end
        log.exception("where the worker hangs is not known")
    log.critical("%s: ending with code %d, to be started again; nothing is lost", reason, EXIT_CODE)
    logging.shutdown()
    os._exit(EXIT_CODE)


class Watchdog(threading.Thread):
    """Checks a worker's life every second.

    Args:
        life: a snapshot of the worker.
        stall_timeout_seconds: how long it may lag without committing.
        end: what to do with the reason; ends the process.
    """

    def __init__(
        self,
        life: Callable[[], Life],
        stall_timeout_seconds: float,
        end: Callable[[str], None] = _exit,
    ) -> None:
        super().__init__(name="voc-watchdog", daemon=True)
        self._life = life
        self._stall_timeout_seconds = stall_timeout_seconds
        self._end = end
        self._stopped = threading.Event()

    def run(self) -> None:
        """Check until stopped."""
        while not self._stopped.wait(CHECK_INTERVAL_SECONDS):
            reason = reason_to_end(self._life(), time.monotonic(), self._stall_timeout_seconds)
            # A worker that stops in order may look dead while it does.
            if reason is not None and not self._stopped.is_set():
                self._end(reason)
                return

    def stop(self) -> None:
        """Stop checking: from now on it never ends the process."""
        self._stopped.set()


def exit_unless_done(seconds: float, end: Callable[[str], None] = _exit) -> threading.Timer:
    """Arm a deadline for a clean end: a thread that hangs must not keep the process.

    Cancel the timer to disarm the deadline.
    """
    timer = threading.Timer(seconds, end, [f"the worker did not end within {seconds:.0f} s"])
    timer.daemon = True
    timer.start()
    return timer
