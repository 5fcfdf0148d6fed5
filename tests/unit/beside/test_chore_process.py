"""Chores in a real process of their own: what they show arrives, and their end ends nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from unit.beside.chores_of_a_test import StoreOfATest

from voc_stream.beside import chore_process
from voc_stream.beside.chore_process import ChoreFailedError, ChoreProcess, ChoreProcessError
from voc_stream.pipeline.chores import Circumstances, Due
from voc_stream.pipeline.clocks import ClockReading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voc_stream.pipeline.ports import GaugeSample

TIMETABLE = [Due(name, 1.0) for name in ("tell", "fail", "die", "freeze")]
COMMAND = [sys.executable, str(Path(__file__).with_name("chores_of_a_test.py"))]
AT = Circumstances(datetime(2026, 1, 5, 8, tzinfo=UTC), events_wait=True, in_backlog=False)


class Shown:
    """What a worker shows."""

    def __init__(self) -> None:
        self.starts, self.memory, self.seconds, self.deleted = 0, 0, 0.0, 0
        self.gauges: dict[str, tuple[tuple[str, ...], float]] = {}

    def chore_process_started(self) -> None:
        """Count it."""
        self.starts += 1

    def chore_process_used(self, memory_bytes: int, more_processor_seconds: float) -> None:
        """Keep it."""
        self.memory = memory_bytes
        self.seconds += more_processor_seconds

    def publish(self, gauges: Sequence[GaugeSample]) -> None:
        """Keep them."""
        self.gauges = {each.metric: (each.labels, each.value) for each in gauges}

    def letters_deleted(self, count: int) -> None:
        """Add them up."""
        self.deleted += count


class AheadStore(StoreOfATest):
    """Finds that a clock was ahead."""

    def read_clocks(self) -> ClockReading:
        """What is stored is a day ahead."""
        return ClockReading(AT.now, AT.now, 0.0, timedelta(0), AT.now + timedelta(days=1))


class Beside:
    """A worker's side, with its chores by name."""

    def __init__(self) -> None:
        self.shown, store = Shown(), AheadStore()
        given: Any = store
        self.process = ChoreProcess(given, lambda _: TIMETABLE, COMMAND, self.shown)
        chores = self.process.chores(self.shown, timedelta(seconds=15), None)
        self._chores: dict[str, Callable[[Circumstances], object]] = {
            each.name: each.run for each in chores
        }

    def do(self, name: str) -> None:
        """Have a chore done."""
        self._chores[name](AT)

    @property
    def pid(self) -> int:
        """Of the process that did the last `tell`."""
        return int(self.shown.gauges["pid"][0][0])


@pytest.fixture
def beside() -> Iterator[Beside]:
    made = Beside()
    with closing(made.process):
        yield made


def test_what_a_chore_shows_is_shown_by_the_worker(beside: Beside) -> None:
    """Gauges, counts and what the process uses; it is another process, and the same each time."""
    beside.do("tell")
    first = beside.pid
    beside.do("tell")
    assert first == beside.pid != os.getpid()
    assert beside.shown.gauges["pid"][1] == AT.now.timestamp()
    assert beside.shown.gauges["numeric"][1] == 0.5
    assert isnan(beside.shown.gauges["unknown"][1])
    assert (beside.shown.starts, beside.shown.deleted) == (1, 4)
    assert beside.shown.memory > 2**20
    assert beside.shown.seconds > 0


def test_a_chore_that_fails_says_why(beside: Beside) -> None:
    """The process goes on."""
    with pytest.raises(ChoreFailedError, match="it cannot be done"):
        beside.do("fail")
    beside.do("tell")
    assert beside.shown.starts == 1


@pytest.mark.parametrize(("how", "says"), [("die", "ended with -9"), ("freeze", "was killed")])
def test_a_process_that_ends_is_started_again(
    beside: Beside, monkeypatch: pytest.MonkeyPatch, how: str, says: str
) -> None:
    """Whether it is killed or falls silent: the error says so, and the next chore is done."""
    monkeypatch.setattr(chore_process, "SILENT_SECONDS", 3.0)
    beside.do("tell")
    before = beside.pid
    with pytest.raises(ChoreProcessError, match=says):
        beside.do(how)
    beside.do("tell")
    assert beside.pid != before
    assert not psutil.pid_exists(before)
    assert beside.shown.starts == 2


def test_one_that_died_between_two_chores_is_started_again(beside: Beside) -> None:
    """Then no chore fails."""
    beside.do("tell")
    killed = psutil.Process(beside.pid)
    killed.kill()
    killed.wait()
    beside.do("tell")
    assert beside.shown.starts == 2


def test_a_clock_that_was_ahead_is_told_once(beside: Beside) -> None:
    """The chores then look for what was stored of the future, as this process cannot."""
    beside.do("tell")
    assert beside.shown.gauges["looked"][1] == 0
    beside.process.read_clocks()
    beside.do("tell")
    beside.do("tell")
    assert beside.shown.gauges["looked"][1] == 1


def test_it_ends_with_the_worker() -> None:
    """Even if that is killed: nobody is left to write anything."""
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from unit.beside.test_chore_process import Beside\n"
        "beside = Beside(); beside.do('tell'); print(beside.pid, flush=True); time.sleep(60)"
    )
    tests = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", script, tests], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        child = psutil.Process(int(worker.stdout.readline()))
        worker.kill()
    child.wait(10)
