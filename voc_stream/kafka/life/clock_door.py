"""Checks the worker's clock before anything relies on it: the time comes in through this door.

The clock is compared with PostgreSQL's every few seconds. In between, the monotonic clock tells
what it must show. So a clock that is set is noticed before the next event is judged by it. While
clocks disagree, events wait: none is refused, and none is lost.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from voc_stream.pipeline.clocks import (
    BELIEVED_AFTER,
    disagreement,
    leap,
    needs_rebuild,
    stored_problem,
)

if TYPE_CHECKING:
    from voc_stream.kafka.life.state import WorkerState
    from voc_stream.monitoring.metrics import Metrics
    from voc_stream.pipeline.clocks import ClockReading

log = logging.getLogger(__name__)


class ClockDoor:
    """Tells the time if it can be believed.

    Until the first comparison this machine's clock is believed.

    Args:
        state: told what is wrong, for the health pages.
        metrics: shows the differences.
    """

    def __init__(self, state: WorkerState, metrics: Metrics) -> None:
        self._state = state
        self._metrics = metrics
        self._server_time: datetime | None = None
        self._moment = 0.0  # of the monotonic clock, at which the server's was that
        self._leapt_at: float | None = None
        self._chores_wait = False

    def compare(self, reading: ClockReading) -> None:
        """Take in what the clocks showed, and say what is wrong with them."""
        self._server_time, self._moment = reading.server, reading.monotonic_seconds
        self._metrics.clock_skew.set(reading.skew.total_seconds())
        self._metrics.stored_clock_ahead.set(reading.stored_ahead.total_seconds())
        self._note_disagreement(disagreement(reading.skew))
        problem = stored_problem(reading)
        if (
            problem is not None and self._state.stored_clock_problem is None
        ):  # later it only counts down
            log.error("%s", problem)
        self._state.stored_clock_problem = problem
        self._chores_wait = needs_rebuild(reading) or self._leap_waits(reading)

    def now(self) -> datetime | None:
        """The time; None while the clocks disagree."""
        wall = datetime.now(UTC)
        if self._server_time is not None:
            expected = self._server_time + timedelta(seconds=monotonic() - self._moment)
            self._note_disagreement(disagreement(wall - expected))
        return wall if self._state.clock_problem is None else None

    def chores_time(self) -> datetime | None:
        """The time for what moves the tables on.

        It is also None while stored times are not to be believed, or while the clocks leapt.
        """
        return None if self._chores_wait else self.now()

    def _note_disagreement(self, problem: str | None) -> None:
        before, self._state.clock_problem = self._state.clock_problem, problem
        if problem is not None and before is None:
            log.error("%s", problem)
        if problem is None and before is not None:
            log.warning("the clocks agree again")

    def _leap_waits(self, reading: ClockReading) -> bool:
        """Whether to wait for an event of the new time."""
        length = leap(reading)
        if length is None:
            self._leapt_at = None
            return False
        if self._leapt_at is None:
            self._leapt_at = reading.monotonic_seconds
            log.warning(
                "the clocks have gone on by %s since the last refresh, and no event is of that"
                " time: the tables follow with the first one,"
                " or in %s", timedelta(seconds=int(length.total_seconds())), BELIEVED_AFTER,
            )  # fmt: skip
        return reading.monotonic_seconds - self._leapt_at < BELIEVED_AFTER.total_seconds()
