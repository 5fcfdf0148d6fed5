from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from benchmarks.processes import MEBIBYTE, Processes, only_on

if TYPE_CHECKING:
    from collections.abc import Iterator

# A parent whose child works for a while and ends; the parent says so and stays.
PROGRAM = """
import subprocess, sys
work = "import time\\nwhile time.process_time() < 0.3: pass\\nheld = bytearray(64 * 2**20)"
subprocess.run([sys.executable, "-c", work])
held = bytearray(64 * 2**20)
held = None
print("done", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        yield process


def test_the_time_of_a_child_that_ended_counts(parent: subprocess.Popen[str]) -> None:
    """Processor time does not vanish with the process that used it.

    PostgreSQL has such short-lived processes.
    """
    assert psutil.Process(parent.pid).children() == []
    assert Processes([parent.pid]).processor_seconds() >= 0.3


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere the present memory stands for the peak"
)
def test_a_peak_is_seen_after_it_has_passed(parent: subprocess.Popen[str]) -> None:
    """Memory that was given back counts in the peak, and not in what is resident now."""
    processes = Processes([parent.pid])
    [peak], [now] = processes.peak_memory_bytes(), processes.memory_bytes()
    assert peak >= now + 50 * MEBIBYTE


FORKS = f"""
import os, sys
held = b"x" * {64 * MEBIBYTE}
child = os.fork()
if child:
    print("forked", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is told apart")
def test_memory_that_a_child_shares_counts_once() -> None:
    """Of libraries that both processes of a worker have in common there is one copy."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "forked\n"
        processes = Processes([process.pid])
        [now], [peak] = processes.memory_bytes(), processes.peak_memory_bytes()
        process.communicate()
    assert 64 * MEBIBYTE < now <= peak < 100 * MEBIBYTE


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system cannot bind processes"
)
def test_what_a_block_starts_keeps_to_its_processors() -> None:
    """A process started inside runs on the named processor only.

    This one is free again afterwards.
    """
    before = os.sched_getaffinity(0)
    one = {min(before)}
    with only_on(one):
        shown = subprocess.run(
            [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"],
            capture_output=True,
            text=True,
            check=True,
        )
    assert shown.stdout.strip() == str(one)
    assert os.sched_getaffinity(0) == before
