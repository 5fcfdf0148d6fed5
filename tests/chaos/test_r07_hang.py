"""R7: PostgreSQL stands still while its sockets stay open.

Only the client's own deadline can notice that.

VOC_TEST_HANG_SECONDS is for how long (12): that crosses the deadline of 4 s twice and one
connection timeout of 5 s. 60 is the full length.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import ChaosService, frozen, hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.server import Server

    from voc_stream.settings import Settings

HANG_SECONDS = from_environment("VOC_TEST_HANG_SECONDS", 12)
HANGS = 1
DEADLINE_SECONDS = 4
NOTICED_SECONDS = DEADLINE_SECONDS + 3.0
EVENTS_PER_SECOND = 150.0

pytestmark = [pytest.mark.chaos, pytest.mark.chaos_ci]


def test_postgresql_hangs(chaos_settings: Settings, server: Server, tmp_path: Path) -> None:
    """The deadline fires, and what was under way counts once.

    The worker says that it is not ready, and stays in its group.
    """
    random = chance()
    messages = simulated_messages(
        round(HANGS * (HANG_SECONDS + 5) * EVENTS_PER_SECOND), seed=random.randrange(2**32)
    )
    settings = replace(chaos_settings, database_deadline_seconds=DEADLINE_SECONDS)
    with ChaosService(settings, tmp_path) as service, Snapshots(service) as snapshots:
        worker = service.start_worker()
        with Load(service, messages, EVENTS_PER_SECOND):
            service.wait_for_progress(1)
            members = service.members()
            for _ in range(HANGS):
                before = worker.metric("voc_postgres_retries_total")
                with frozen(server):
                    hung_at = time.monotonic()
                    wait_until(
                        lambda: worker.metric("voc_postgres_retries_total") > before,  # noqa: B023  used before the next round
                        NOTICED_SECONDS,
                        "the deadline fires",
                    )
                    assert not worker.is_ready()
                    hold_for(hung_at + HANG_SECONDS - time.monotonic(), lambda: worker.is_running)
                seconds = service.seconds_to_full_service(time.monotonic())
                note(
                    Recovery(
                        "R7",
                        "PostgreSQL hangs",
                        f"SIGSTOP of the server and its sessions for {HANG_SECONDS} s; deadline"
                        f" {DEADLINE_SECONDS} s",
                        f"every snapshot; noticed within {NOTICED_SECONDS:.0f} s, not ready"
                        f" meanwhile, same member of the group",
                        seconds,
                    )
                )
            assert service.members() == members
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
