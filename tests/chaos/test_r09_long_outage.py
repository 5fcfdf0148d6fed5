"""R9: PostgreSQL is away for very long.

A consumer that fetches nothing for so long would be thrown out of its group.

VOC_TEST_OUTAGE_SECONDS is for how long (15): longer than session and rebalance timeouts, and than
the limit of 8 s that one variant sets for a consumer without fetches. 1200 is the full length,
which crosses Faust's own limit of 1000 s.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment

if TYPE_CHECKING:
    from chaos.server import Server
    from chaos.service import ChaosService

OUTAGE_SECONDS = from_environment("VOC_TEST_OUTAGE_SECONDS", 15)
POLL_LIMIT_SECONDS = 8
# What ends such a worker is the watchdog's limit of 180 s on a rebalance, here shorter.
WITH_LIMIT = [f"max_poll_interval:{POLL_LIMIT_SECONDS}", f"rebalance_timeout:{OUTAGE_SECONDS}"]
RECOVERED_SECONDS = 90.0
EVENTS = 4_000

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("has_limit", [False, True], ids=["as it is", "with a limit on fetches"])
def test_long_outage(service: ChaosService, server: Server, has_limit: bool) -> None:
    """As it is, the worker keeps its place and goes on.

    Where aiokafka throws it out for good, the watchdog has it started again.
    """
    random = chance()
    messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
    with Snapshots(service) as snapshots:
        worker = service.start_worker(*(WITH_LIMIT if has_limit else []))
        with Load(service, messages, EVENTS / (OUTAGE_SECONDS + 10)):
            service.wait_for_progress(1)
            members = service.members()
            server.stop()
            hold_for(OUTAGE_SECONDS, lambda: worker.is_running)
            server.start()
            back_at = time.monotonic()
            seconds = service.seconds_to_full_service(back_at, RECOVERED_SECONDS)
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
        assert (service.members() == members) == (not has_limit)
        assert service.restarts == (1 if has_limit else 0)
        service.assert_everything_holds()
    fault = "PostgreSQL away for long" + (", consumer thrown out" if has_limit else "")
    done = f"stopped for {OUTAGE_SECONDS} s under load" + (
        f"; aiokafka's limit on fetches set to {POLL_LIMIT_SECONDS} s, the watchdog's on a"
        f" rebalance to {OUTAGE_SECONDS} s"
        if has_limit
        else ""
    )
    held = "every snapshot; " + (
        "the watchdog ended the worker, its supervisor started it"
        if has_limit
        else "same member of the group"
    )
    note(Recovery("R9", fault, done, held, seconds))
