"""R4: a worker freezes in its transaction, and wakes up when another has its partitions.

It sleeps for twice the session timeout, so the group has given its partitions away by then.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from chaos.conftest import SESSION_TIMEOUT_SECONDS
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, wait_until

if TYPE_CHECKING:
    from chaos.service import ChaosService

EVENTS = 4_000
EVENTS_PER_SECOND = 120.0
FROZEN_TIMEOUT_SECONDS = 60.0
# The zombie's other thread may have frozen in the midst of a refresh, whose locks last until the
# server ends its transaction after 30 s.
TAKE_OVER_SECONDS = 30.0 + SESSION_TIMEOUT_SECONDS + 5.0
FENCED = "; reading it again"

pytestmark = [pytest.mark.chaos, pytest.mark.chaos_ci]


@pytest.mark.parametrize("place", ["before_claim", "before_commit"])
def test_zombie(service: ChaosService, place: str) -> None:
    """Before its claim, the zombie finds the position moved and changes nothing.

    After it, the other waits and then finds the same.
    """
    random = chance()
    zombie, other = (
        service.start_worker(f"{place}:{random.randint(2, 8)}:stop"),
        service.start_worker(),
    )
    with Snapshots(service) as snapshots:
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            wait_until(lambda: zombie.is_frozen, FROZEN_TIMEOUT_SECONDS, service.worker_logs)
            frozen_at, ends = time.monotonic(), service.log_ends()
            if place == "before_claim":
                taken_over = service.seconds_until_in(ends, frozen_at)
                assert taken_over < TAKE_OVER_SECONDS
                assert other.is_running
            hold_for(
                max(0.0, frozen_at + 2 * SESSION_TIMEOUT_SECONDS - time.monotonic()),
                lambda: other.is_running,
            )
            zombie.thaw()
            thawed_at = time.monotonic()
            if place == "before_commit":
                taken_over = service.seconds_until_in(ends, thawed_at)
            service.wait_until_ready([zombie, other])
        service.wait_until_caught_up()
    snapshots.assert_each_is_right()
    assert FENCED in (zombie.log if place == "before_claim" else other.log)
    assert service.restarts == 0, service.worker_logs()
    service.assert_everything_holds()
    what = {
        "before_claim": (
            "worker frozen before its batch's claim",
            "the zombie is fenced, and rejoins; seconds from the freeze to take-over",
        ),
        "before_commit": (
            "worker frozen before COMMIT",
            "its batch counts once, the other is fenced; seconds from the thaw",
        ),
    }
    fault, held = what[place]
    note(
        Recovery(
            "R4",
            fault,
            f"SIGSTOP for {2 * SESSION_TIMEOUT_SECONDS} s, twice the session timeout, beside a"
            f" second worker",
            held,
            taken_over,
        )
    )
