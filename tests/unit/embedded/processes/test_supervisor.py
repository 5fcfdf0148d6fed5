from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from voc_stream.embedded.processes.child import Child
from voc_stream.embedded.processes.supervisor import (
    LONGEST_PAUSE_SECONDS,
    WELL_AFTER_SECONDS,
    Supervisor,
)
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ended(tmp_path: Path) -> Child:
    """A child that has ended with code 3."""
    child = Child("worker", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "worker.log")
    child._process.wait(10)
    return child


def test_end_is_told_once_and_followed_by_a_start(ended: Child) -> None:
    """What ends is started again after the pause, not before, and each step is told once."""
    supervisor = Supervisor(ended, lambda: ended, now=0.0)
    assert (
        supervisor.check(5.0)
        == f"worker ended with code 3 (see {ended.log_path}); starting it again in 1 s"
    )
    assert supervisor.check(5.9) is None
    assert supervisor.check(6.0) == "worker was started again"


def test_pause_grows_to_its_limit_and_falls_after_a_good_while(ended: Child) -> None:
    """A child that cannot run does not keep the machine busy.

    One that was well for a while is started at once again.
    """
    supervisor = Supervisor(ended, lambda: ended, now=0.0)
    pauses = []
    now = 0.0
    for _ in range(8):
        pauses.append(pause_in(supervisor.check(now)))
        now += pauses[-1]
        supervisor.check(now)
    assert pauses == [
        1,
        2,
        4,
        8,
        16,
        LONGEST_PAUSE_SECONDS,
        LONGEST_PAUSE_SECONDS,
        LONGEST_PAUSE_SECONDS,
    ]
    assert pause_in(supervisor.check(now + WELL_AFTER_SECONDS)) == 1


def test_start_that_fails_is_tried_again(ended: Child) -> None:
    """A start that fails is told with its reason and tried again later."""

    def fail() -> Child:
        raise EmbeddedError("no room left")

    supervisor = Supervisor(ended, fail, now=0.0)
    supervisor.check(0.0)
    assert supervisor.check(1.0) == "no room left; starting it again in 2 s"
    assert supervisor.check(2.9) is None
    assert supervisor.check(3.0) == "no room left; starting it again in 4 s"


def test_running_child_is_left_alone(tmp_path: Path) -> None:
    """Nothing happens while all is well."""
    child = Child(
        "worker", [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "worker.log"
    )
    try:
        assert Supervisor(child, lambda: child, now=0.0).check(1000.0) is None
    finally:
        child.stop(5)


def pause_in(message: str | None) -> int:
    assert message is not None
    return int(message.split()[-2])
