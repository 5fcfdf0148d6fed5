"""R5: workers come and go so fast that the group hardly ever rests.

VOC_TEST_STORM_SECONDS is for how long (21): about seven rebalances, three seconds apart. 300 is the
full length.
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
    from chaos.service import ChaosService

STORM_SECONDS = from_environment("VOC_TEST_STORM_SECONDS", 21)
INTERVAL_SECONDS = 3.0
MOST_WORKERS = 3
LONGEST_STALL_SECONDS = 60.0
EVENTS_PER_SECOND = 100.0

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize(
    "waits_for_batch", [False, True], ids=["revoke at once", "revoke after the batch"]
)
def test_rebalance_storm(service: ChaosService, waits_for_batch: bool) -> None:
    """From one worker to three and back, every three seconds.

    Nothing is lost, nothing counts twice, and it never stands still for long.

    So it is with Faust's `stream_wait_empty` as the service sets it (off), and with the other
    value.
    """
    random = chance()
    options = ("decoding:0.05", *(("stream_wait_empty:1",) if waits_for_batch else ()))
    messages = simulated_messages(
        round(EVENTS_PER_SECOND * STORM_SECONDS), seed=random.randrange(2**32)
    )
    with Snapshots(service) as snapshots:
        first = service.start_worker(*options)
        service.wait_until_ready([first])
        with Load(service, messages, EVENTS_PER_SECOND):
            ends = time.monotonic() + STORM_SECONDS
            grows = True
            while time.monotonic() < ends:
                if grows:
                    service.start_worker(*options)
                else:
                    random.choice([service.kill_worker, service.stop_worker])(
                        random.choice(service.workers)
                    )
                grows = len(service.workers) == 1 or (grows and len(service.workers) < MOST_WORKERS)
                hold_for(INTERVAL_SECONDS)
            over_at = time.monotonic()
            seconds = service.seconds_until_in(service.log_ends(), over_at)
        service.wait_until_caught_up()
    snapshots.assert_each_is_right()
    assert snapshots.longest_stall_seconds() < LONGEST_STALL_SECONDS
    service.assert_everything_holds()
    note(
        Recovery(
            "R5",
            f"rebalance storm, stream_wait_empty={waits_for_batch}",
            f"workers 1 to 3 to 1, one change every {INTERVAL_SECONDS:.0f} s for {STORM_SECONDS} s,"
            f" killed or stopped at random",
            f"every snapshot; no partition stood still for {LONGEST_STALL_SECONDS:.0f} s",
            seconds,
        )
    )
