"""Holds what the worker knows about its own life.

Its loops write it; the watchdog and the health server read it. Every field is one value that is
replaced as a whole, so threads may read it without a lock. Moments are of `time.monotonic()`, in
seconds.
"""

from __future__ import annotations

import logging
import signal
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from voc_stream.kafka.life.watchdog import Life

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.pipeline.ports import Partition

log = logging.getLogger(__name__)

Cause = Literal["isolation", "dead_letter_limit"]


class Hold(NamedTuple):
    """Why a partition is held.

    Attributes:
        cause: for machines.
        sentence: for operators: where the partition waits, and for what.
        token: whose hold it is; after a rebalance the partition may be held anew.
    """

    cause: Cause
    sentence: str
    token: object


@dataclass(slots=True)
class WorkerState:
    """The live counterpart of `watchdog.Life`, which explains the first fields.

    The other fields are for the health server.

    Attributes:
        positions_loaded: every assigned partition has its position.
        store_problem: why PostgreSQL cannot be used; None if it can.
        held: partitions of which nothing is taken in now, and why; replaced as a whole by `Holds`.
        doubtful: partitions that were stopped before this worker had them, and why. Nobody knows
            yet whether they go on; replaced as a whole by `Holds`.
        waiting_for: what must be there before the worker can start; None once it is.
        kafka_problem: why the brokers do not serve us now; None if they do.
        clock_problem: why events wait, if the clocks disagree.
        stored_clock_problem: why the tables do not move on, if a clock was ahead.
        group_problem: why events may go to another installation.
        gives_way_to: what this process ends for, to wait for it in the next one; None while it may
            work.
        stopping: the worker was told to stop.
    """

    started: InitVar[float]
    loop_beat: float = field(default=0.0)
    consumer_beat: float = field(default=0.0)
    consumer_error: str | None = None
    last_progress: float = field(default=0.0)
    lag_measured: float = field(default=0.0)
    lag_events: int = 0
    rebalancing_since: float | None = None
    positions_loaded: bool = False
    store_problem: str | None = None
    held: Mapping[Partition, Hold] = field(default_factory=dict)
    doubtful: Mapping[Partition, str] = field(default_factory=dict)
    waiting_for: str | None = None
    kafka_problem: str | None = None
    clock_problem: str | None = None
    stored_clock_problem: str | None = None
    group_problem: str | None = None
    gives_way_to: str | None = None
    stopping: bool = False

    def __post_init__(self, started: float) -> None:
        self.restart(started)

    def restart(self, now: float) -> None:
        """Begin to count from now on."""
        self.loop_beat = self.consumer_beat = self.last_progress = self.lag_measured = now
        self.rebalancing_since = now

    def joined(self, now: float) -> None:
        """Note that the group was joined and positions are loaded, and count from now on."""
        self.rebalancing_since = None
        self.loop_beat = self.consumer_beat = self.last_progress = now

    def give_way(self, reason: str) -> None:
        """End this process, to leave the group.

        The next process waits, outside of the group, until the reason is gone.
        """
        if self.gives_way_to is None:
            self.gives_way_to = reason
            log.error("%s; this worker ends, and its next process waits", reason)
            signal.raise_signal(signal.SIGTERM)

    def life(self) -> Life:
        """A snapshot for the watchdog."""
        return Life(*(getattr(self, name) for name in Life._fields))
