"""Events that keep flowing while a test does something to the service.

And how long any partition stood still meanwhile.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from end_to_end.call_centre import simulated_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from end_to_end.harness import Service

    from voc_stream.simulator.delivery.message import SimulatedMessage

EVENTS = 20_000
"""More than any test needs: a minute and a half of the flow."""
PORTION = 50
PAUSE_SECONDS = 0.25
LOOK_SECONDS = 0.25


class Flow:
    """Sends about 200 messages a second from one thread, until the block ends.

    Another thread looks at all partitions meanwhile.

    Attributes:
        longest_stall_seconds: the longest time for which a partition had messages to take in and
            its position did not move. It is 0 if no two looks saw it stand still.
        looks: how often it was looked at.
    """

    def __init__(self, service: Service) -> None:
        self.longest_stall_seconds = 0.0
        self.looks = 0
        self._service = service
        self._messages: Sequence[SimulatedMessage] = simulated_messages(EVENTS)
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=[body], daemon=True)
            for body in (self._send, self._watch)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert self._errors == []

    def _run(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:  # noqa: BLE001  shown at the end of the block
            self._errors.append(error)

    def _send(self) -> None:
        for first in range(0, len(self._messages), PORTION):
            if self._stop.wait(PAUSE_SECONDS):
                return
            self._service.send(self._messages[first : first + PORTION])

    def _watch(self) -> None:
        moved: dict[tuple[str, int], tuple[int, float]] = {}
        while not self._stop.wait(LOOK_SECONDS):
            ends, positions, now = (
                self._service.log_ends(),
                self._service.positions(),
                time.monotonic(),
            )
            self.looks += 1
            for partition, end in ends.items():
                position = positions.get(partition, 0)
                before, since = moved.get(partition, (position, now))
                stalls = position == before and position < end
                moved[partition] = (position, since if stalls else now)
                self.longest_stall_seconds = max(
                    self.longest_stall_seconds, now - moved[partition][1]
                )
