"""Runs the simulated world: a clock of the story, processes that wait, and the events they emit.

A process is a generator: it emits events, changes what it knows, and yields how many working
seconds it waits.
"""

from __future__ import annotations

import heapq
from random import Random
from typing import TYPE_CHECKING, Any

from voc_stream.simulator.clock import OPEN_SECONDS, WorkshopClock
from voc_stream.simulator.customers import Customers
from voc_stream.simulator.network import build_shops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.events.types.base import CustomerEvent
    from voc_stream.simulator.network import Advisor
    from voc_stream.simulator.options import SimulationOptions

MINUTE = 60.0
HOUR = 3600.0
DAY = float(OPEN_SECONDS)
"""A working day, in working seconds."""


class World:
    """What all processes share. `now` is in working seconds, 0 at the start of the live part."""

    def __init__(self, options: SimulationOptions, begin: float) -> None:
        self.options = options
        self.clock = WorkshopClock(options.start, options.speed)
        self.random = Random(f"story {options.seed} {options.start.isoformat()}")  # noqa: S311  a simulation, no secret
        # So that two runs never mean the same customer or order.
        self.tag = f"{self.random.getrandbits(24):06x}"
        self.customers = Customers(self.random, build_shops(options.sites), self.tag)
        self.now = begin
        self._emitted: list[CustomerEvent] = []
        self._waiting: list[tuple[float, int, Iterator[float]]] = []
        self._started = 0
        self._numbers: dict[str, int] = {}

    def start(self, process: Iterator[float], after: float = 0.0) -> None:
        """Let a process begin in `after` working seconds."""
        self._started += 1
        heapq.heappush(self._waiting, (self.now + after, self._started, process))

    def step(self) -> list[CustomerEvent] | None:
        """Run the process whose time has come until it waits again.

        Returns the events it emitted, or None if all processes have ended.
        """
        if not self._waiting:
            return None
        self.now, number, process = heapq.heappop(self._waiting)
        wait = next(process, None)
        if wait is not None:
            heapq.heappush(self._waiting, (self.now + max(wait, 1.0), number, process))
        events, self._emitted = self._emitted, []
        return events

    def emit(self, kind: type[CustomerEvent], **fields: Any) -> None:
        """Say that an event happens now."""
        moment = self.clock.moment(self.now)
        self._emitted.append(kind(event_id=self._event_id(), occurred_at=moment, **fields))

    def next_id(self, prefix: str) -> str:
        """A new id of an order, a journey or a complaint."""
        number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}{self.tag}-{number:06d}"

    def chance(self, share: float) -> bool:
        """True in that share of the cases."""
        return self.random.random() < share

    def around(self, typical: float) -> float:
        """A duration whose median is `typical`, skewed as real ones are."""
        return typical * self.random.lognormvariate(0.0, 0.3)

    def attitude(self, site_id: str, friendliness: float, advisor: Advisor) -> float:
        """How an advisor treats customers now, in points of the score scale, 0 is ordinary."""
        decline = self.options.decline
        lost = (
            decline.points_at(site_id, advisor.employee_id, self.clock.live_seconds(self.now))
            if decline
            else 0.0
        )
        return friendliness + advisor.skill - lost

    def _event_id(self) -> str:
        """A UUIDv7 (RFC 9562, 5.7) of the event's time and the story's randomness."""
        milliseconds = int(self.clock.posix(self.now) * 1000)
        low = self.random.getrandbits(74)
        last = (low & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        text = f"{milliseconds:012x}7{low >> 62:03x}{last:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
