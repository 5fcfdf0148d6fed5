"""R3: PostgreSQL crashes under load.

With asynchronous commits, what it had said was committed may be gone.

VOC_TEST_CRASH_SECONDS is how long it stays away (5).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg2
import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.server import Server
    from chaos.service import ChaosService

AWAY_SECONDS = from_environment("VOC_TEST_CRASH_SECONDS", 5)
EVENTS_PER_SECOND = 150.0
EVENTS = round(EVENTS_PER_SECOND * (AWAY_SECONDS + 15))
# The server writes its log this seldom by itself, so that a crash loses seconds of asynchronous
# commits.
LAZY = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}

pytestmark = pytest.mark.chaos


@pytest.fixture
def lazy_server(server: Server) -> Iterator[Server]:
    """A server that loses much when it crashes, if it may."""
    server.configure(**LAZY)
    yield server
    server.start()
    server.configure(**dict.fromkeys(LAZY, ""))


@pytest.mark.parametrize("synchronous_commit", ["on", "off"])
def test_postgresql_crashes(
    service: ChaosService, lazy_server: Server, synchronous_commit: str
) -> None:
    """Positions and rows come back together, as of one moment.

    The worker goes on from there, even if that is an earlier moment.
    """
    random = chance()
    database = service.direct_url.rpartition("/")[2]
    with lazy_server.administration() as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET synchronous_commit = {synchronous_commit}")
    messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        with Load(service, messages, EVENTS_PER_SECOND):
            service.wait_for_progress(0.2 * len(messages))
            lazy_server.crash()
            seen = snapshots.taken[-1].positions
            hold_for(AWAY_SECONDS, lambda: worker.is_running)
            lazy_server.start()
            started = time.monotonic()
            found = positions_once_there(service)
            lost = sum(max(0, offset - found.get(place, 0)) for place, offset in seen.items())
            seconds = service.seconds_to_progress(started)
        service.wait_until_caught_up()
    assert (lost > 0) == (synchronous_commit == "off"), (
        f"{lost} committed messages lost with synchronous_commit={synchronous_commit}"
    )
    snapshots.assert_each_is_right(may_go_back=synchronous_commit == "off")
    assert worker.is_running
    service.assert_everything_holds()
    held = {
        "on": "every snapshot; no commit lost; the same worker goes on",
        "off": "every snapshot; rows and positions went back together and were taken in again; the"
        " same worker goes on",
    }
    fault = f"PostgreSQL crash, synchronous_commit={synchronous_commit}"
    note(
        Recovery(
            "R3",
            fault,
            f"immediate shutdown under load, log writer slowed to 10 s, back after {AWAY_SECONDS}"
            f" s",
            held[synchronous_commit],
            seconds,
        )
    )


def positions_once_there(service: ChaosService) -> dict[tuple[str, int], int]:
    """The positions as the server has them when it first answers."""
    found: list[dict[tuple[str, int], int]] = []

    def answers() -> bool:
        try:
            found.append(service.positions())
        except psycopg2.OperationalError:
            return False
        return True

    service.wait_until(answers, 30, "the server answers")
    return found[0]
