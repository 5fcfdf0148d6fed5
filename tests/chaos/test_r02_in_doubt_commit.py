"""R2: the connection is cut at COMMIT, so the worker cannot know whether its batch is stored."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from chaos.load import Load
from chaos.proxy import CommitCut, FaultProxy
from chaos.recovery import Recovery, note
from chaos.service import ChaosService, through
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance

from voc_stream.embedded.processes.tcp_ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.server import Server

    from voc_stream.settings import Settings

CUTS_OF_EACH_KIND = 3
EVENTS = 4_000
EVENTS_PER_SECOND = 150.0
CUT_TIMEOUT_SECONDS = 60.0
BATCH = b"UPDATE stream_position"

pytestmark = [pytest.mark.chaos, pytest.mark.chaos_ci]


@pytest.mark.parametrize("marker", [BATCH, b""], ids=["batches", "everything"])
def test_cut_at_commit(
    chaos_settings: Settings, server: Server, tmp_path: Path, marker: bytes
) -> None:
    """A batch whose COMMIT is in doubt counts once.

    Whether the COMMIT was lost, its answer, or it arrives after the next attempt began.
    """
    random = chance()
    kinds = random.sample(list(CommitCut) * CUTS_OF_EACH_KIND, CUTS_OF_EACH_KIND * len(CommitCut))
    with (
        FaultProxy((LOOPBACK, server.port), speaks_postgres=True) as proxy,
        ChaosService(
            through(chaos_settings, proxy.port), tmp_path, chaos_settings.require_database_url()
        ) as service,
        Snapshots(service) as snapshots,
    ):
        worker = service.start_worker()
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ) as load:
            service.wait_for_progress(1)
            for kind in kinds:
                proxy.cut_commits([kind], marker)
                service.wait_until(
                    lambda: proxy.cuts_left == 0, CUT_TIMEOUT_SECONDS, "a COMMIT is cut"
                )
                seconds = service.seconds_to_progress(time.monotonic())
                if marker:
                    held = "every snapshot; the same worker goes on"
                    note(
                        Recovery(
                            "R2",
                            f"in-doubt COMMIT: {kind.value}",
                            "a proxy cuts the connection at a batch's COMMIT",
                            held,
                            seconds,
                        )
                    )
            assert not load.is_over, "all cuts happened under load"
        service.wait_until_caught_up()
        assert proxy.cuts == len(kinds)
        assert worker.is_running
        assert service.restarts == 0
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
