"""R1: a worker that dies at the worst moments of its work, again and again.

VOC_TEST_KILLS is how many deaths (8); 50 is the full length. Each crosses the session timeout,
after which Kafka gives its partitions away.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from chaos.conftest import SESSION_TIMEOUT_SECONDS
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment, wait_until

if TYPE_CHECKING:
    from random import Random

    from chaos.service import ChaosService, ChaosWorker

KILLS = from_environment("VOC_TEST_KILLS", 8)
EVENTS_PER_KILL = 600
EVENTS_PER_SECOND = 100.0
START_SECONDS = 5.0
DEATH_TIMEOUT_SECONDS = 60.0
IN_START = "in_seek"
AFTER_START = ("after_copy", "before_commit", "after_commit")
LATEST = dict.fromkeys(AFTER_START, 6) | {IN_START: 10}

pytestmark = [pytest.mark.chaos, pytest.mark.chaos_ci]


def deaths(random: Random) -> list[str]:
    """A failpoint and how often it is passed for each death; every failpoint has its turn.

    The recovery from what comes before `in_seek` cannot be measured, so the order turns round each
    time.
    """
    others = random.sample(AFTER_START, len(AFTER_START))
    rounds = (
        [IN_START, *(others if number % 2 == 0 else reversed(others))] for number in range(KILLS)
    )
    return [
        f"{name}:{random.randint(1, LATEST[name])}:kill"
        for name in [name for each in rounds for name in each][:KILLS]
    ]


def recovery_until_death(service: ChaosService, worker: ChaosWorker, since: float) -> float | None:
    """Seconds from `since` until this worker moved the tables on; None if it died before that.

    Returns after its death.
    """
    before = service.progress()
    recovered: list[float] = []

    def is_dead() -> bool:
        if not recovered and service.progress() > before:
            recovered.append(time.monotonic() - since)
        return not worker.is_running

    wait_until(
        is_dead,
        DEATH_TIMEOUT_SECONDS,
        lambda: f"the worker reaches its failpoint\n{service.worker_logs()}",
    )
    service.workers.remove(worker)
    assert worker.child.exit_code() == -signal.SIGKILL, worker.child.log_tail()
    return recovered[0] if recovered else None


def test_killed_at_failpoints(service: ChaosService) -> None:
    """Whatever a worker was about to do when it died, the next one goes on from there.

    Nothing is lost, nothing counts twice.
    """
    random = chance()
    messages = simulated_messages(KILLS * EVENTS_PER_KILL, seed=random.randrange(2**32))
    died_at, place = time.monotonic(), "nowhere"
    with Snapshots(service) as snapshots:
        with Load(service, messages, EVENTS_PER_SECOND):
            for failpoint in deaths(random):
                seconds = recovery_until_death(service, service.start_worker(failpoint), died_at)
                if place != "nowhere" and seconds is not None:
                    noted(place, seconds)
                died_at, place = time.monotonic(), failpoint.split(":")[0]
            service.start_worker()
            noted(place, service.seconds_to_progress(died_at))
        service.wait_until_caught_up()
    snapshots.assert_each_is_right()
    service.assert_everything_holds()


def noted(place: str, seconds: float) -> None:
    """Report the recovery from one death; it has its limit."""
    note(
        Recovery(
            "R1",
            f"worker killed at {place}",
            "kill -9 of itself there, at a random pass; another worker started at once",
            f"every snapshot; going on within the session timeout and {START_SECONDS:.0f} s",
            seconds,
        )
    )
    assert seconds < SESSION_TIMEOUT_SECONDS + START_SECONDS
