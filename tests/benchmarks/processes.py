"""What processes cost, with all that they started, and on which processors they may run."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MEBIBYTE = 2**20
KIBIBYTE = 2**10


class Processes:
    """Some processes and their descendants.

    Args:
        process_ids: processes that run; each must wait for the children that it starts, as
            PostgreSQL does.
    """

    def __init__(self, process_ids: Collection[int]) -> None:
        self._roots = [psutil.Process(process_id) for process_id in process_ids]

    def processor_seconds(self) -> float:
        """Processor time so far, user and system.

        A child that has ended counts as long as its parent lives: the system adds it there.
        """
        return sum(
            _seconds(process)
            for root in self._roots
            for process in (*root.children(recursive=True), root)
        )

    def memory_bytes(self) -> list[int]:
        """Memory that is resident now, of each process with its children.

        What a child shares with others, which is libraries, is counted with its parent only.
        """
        return [
            int(root.memory_info().rss)
            + sum(int(each.memory_full_info().uss) for each in _children(root))
            for root in self._roots
        ]

    def peak_memory_bytes(self) -> list[int]:
        """The most memory that ever was resident, of each process with its children.

        Each counts with its own peak, so together they never held more. What a child shares is
        counted with its parent only. Elsewhere than on Linux, what is resident now.
        """
        return [
            _peak(root) + sum(_peak(each) - _shared(each) for each in _children(root))
            for root in self._roots
        ]


def _children(root: psutil.Process) -> list[psutil.Process]:
    found: list[psutil.Process] = root.children(recursive=True)
    return found


def _shared(process: psutil.Process) -> int:
    memory = process.memory_full_info()
    return int(memory.rss - memory.uss)


@contextmanager
def only_on(processors: Collection[int] | None) -> Iterator[None]:
    """Start what the block starts on some processors only, by their numbers.

    None leaves it to the system. Linux only, else OSError.
    """
    if processors is None:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise OSError(
            "this system cannot bind processes to processors; measure without --postgres-core"
        )
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except (
        psutil.NoSuchProcess
    ):  # it has just ended, and its parent, which is asked later, has its time
        return 0.0
    return float(
        times.user
        + times.system
        + getattr(times, "children_user", 0.0)
        + getattr(times, "children_system", 0.0)
    )


def _peak(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * KIBIBYTE
    return int(process.memory_info().rss)
