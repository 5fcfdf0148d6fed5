"""R14: SIGTERM under load, with PostgreSQL up and with PostgreSQL standing still."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import frozen
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, wait_until

from voc_stream.kafka.life.watchdog import EXIT_CODE
from voc_stream.kafka.worker.run import STOP_DEADLINE_SECONDS

if TYPE_CHECKING:
    from chaos.server import Server
    from chaos.service import ChaosService

EVENTS = 3_000
EVENTS_PER_SECOND = 150.0
# How soon it must be gone, and with which codes.
LIMITS = {"up": (10.0, {0}), "hung": (STOP_DEADLINE_SECONDS + 1.0, {0, EXIT_CODE})}

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("postgresql", LIMITS)
def test_terminated_under_load(service: ChaosService, server: Server, postgresql: str) -> None:
    """A worker that is asked to end is gone in time, whatever PostgreSQL does.

    The next worker goes on where it stopped.
    """
    random = chance()
    limit_seconds, codes = LIMITS[postgresql]
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        with (
            Load(
                service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
            ),
            ExitStack() as stack,
        ):
            service.wait_for_progress(random.randrange(1, 500))
            if postgresql == "hung":
                stack.enter_context(frozen(server))
            asked_at = time.monotonic()
            os.kill(worker.child.pid, signal.SIGTERM)
            wait_until(lambda: not worker.is_running, limit_seconds, "the worker ends in time")
            print(f"the worker ended after {time.monotonic() - asked_at:.1f} s")  # noqa: T201  pytest shows it with -s
            assert worker.child.exit_code() in codes, worker.child.log_tail()
            service.workers.remove(worker)
            stack.close()
            started_at = time.monotonic()
            service.start_worker()
            seconds = service.seconds_to_full_service(started_at)
        service.wait_until_caught_up()
    snapshots.assert_each_is_right()
    service.assert_everything_holds()
    note(
        Recovery(
            "R14",
            f"SIGTERM, PostgreSQL {postgresql}",
            "under load; then another worker",
            f"every snapshot; gone within {limit_seconds:.0f} s",
            seconds,
        )
    )
