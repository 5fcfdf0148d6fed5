"""What trees of processes cost, and how they are ended as a power cut would."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEBIBYTE = 2**20


class Usage(NamedTuple):
    """Processor time so far, in seconds, and memory now, in bytes.

    Pages that processes share count in each.
    """

    processor_seconds: float
    memory_bytes: int


class Trees:
    """Some processes and all that they start, watched by `sample`.

    What ended between two samples counts as it was last seen.
    """

    def __init__(self, process_ids: Iterable[int]) -> None:
        self._roots = [psutil.Process(process_id) for process_id in process_ids]
        self._seconds: dict[tuple[int, float], float] = {}
        self.peak_memory_bytes = 0

    def sample(self) -> Usage:
        """Look now."""
        memory = 0
        for process in self._alive():
            try:
                used = process.cpu_times()
                memory += process.memory_info().rss
                self._seconds[process.pid, process.create_time()] = used.user + used.system
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        self.peak_memory_bytes = max(self.peak_memory_bytes, memory)
        return Usage(sum(self._seconds.values()), memory)

    def written_bytes(self) -> int:
        """What the roots have written so far, to files and to connections (Linux)."""
        return sum(int(root.io_counters().write_chars) for root in self._roots)

    def kill(self) -> None:
        """End all of them at once, with nothing to clean up."""
        victims = list(self._alive())
        for process in victims:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(victims, timeout=10)

    def _alive(self) -> Iterator[psutil.Process]:
        for root in self._roots:
            try:
                yield from [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
