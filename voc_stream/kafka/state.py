"""What the worker knows about its own life, written by its loops and read by the watchdog and the health server.

Every field is one value that is replaced as a whole, so threads may read it without a lock.
Moments are of `time.monotonic()`, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from voc_stream.kafka.watchdog import Life


@dataclass(slots=True)
class WorkerState:
    """The live counterpart of `watchdog.Life`; see there for the meaning of the fields."""

    started: float
    loop_beat: float = field(default=0.0)
    consumer_beat: float = field(default=0.0)
    last_progress: float = field(default=0.0)
    lag_measured: float = field(default=0.0)
    lag_events: int = 0
    rebalancing_since: float | None = None
    positions_loaded: bool = False
    store_failing_since: float | None = None
    stopping: bool = False

    def __post_init__(self) -> None:
        self.loop_beat = self.consumer_beat = self.last_progress = self.lag_measured = self.started

    def life(self) -> Life:
        """A snapshot for the watchdog."""
        return Life(
            loop_beat=self.loop_beat,
            consumer_beat=self.consumer_beat,
            last_progress=self.last_progress,
            lag_measured=self.lag_measured,
            lag_events=self.lag_events,
            rebalancing_since=self.rebalancing_since,
        )
