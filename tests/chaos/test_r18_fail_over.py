"""R18: PostgreSQL is gone for good, and a standby takes over, with or without the last commits."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import ChaosService
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance
from integration.postgres.store import wait_until
from postgres_server import PostgresServer

from voc_stream.embedded.processes.tcp_ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.settings import Settings

EVENTS = 4_000
EVENTS_PER_SECOND = 150.0
CAUGHT_UP_SECONDS = 20.0

pytestmark = pytest.mark.chaos


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A server and its standby."""
    with tempfile.TemporaryDirectory(prefix="voc-chaos-", ignore_cleanup_errors=True) as name:
        folders = [Path(name) / "first", Path(name) / "second"]
        for folder in folders:
            folder.mkdir()
        with (
            PostgresServer(folders[0], settings={"wal_keep_size": "256MB"}) as first,
            PostgresServer(folders[1], copy_of=first) as second,
        ):
            yield first, second


@pytest.mark.parametrize("lost", [False, True], ids=["standby has all", "last commits lost"])
def test_standby_takes_over(
    chaos_settings: Settings,
    pair: tuple[PostgresServer, PostgresServer],
    tmp_path: Path,
    *,
    lost: bool,
) -> None:
    """The same worker goes on at the other host.

    Returns what the standby lacks of rows and positions is taken in again.
    """
    random = chance()
    first, second = pair
    hosts = ",".join(f"{LOOPBACK}:{server.port}" for server in pair)
    url = f"postgresql://voc@{hosts}/postgres?target_session_attrs=read-write"
    with (
        ChaosService(replace(chaos_settings, database_url=url), tmp_path) as service,
        Snapshots(service) as snapshots,
    ):
        worker = service.start_worker()
        messages = simulated_messages(EVENTS, seed=random.randrange(2**32))
        with Load(service, messages, EVENTS_PER_SECOND):
            service.wait_for_progress(0.2 * len(messages))
            if lost:
                second.ask("ALTER SYSTEM SET primary_conninfo = ''")
                second.ask("SELECT pg_reload_conf()")
                service.wait_for_progress(0.4 * len(messages))
            snapshots.wait_for_one()
            before = snapshots.taken[-1].events
            if not lost:
                # Whatever was committed so far; what comes in the moment before the end may be lost
                # all the same.
                [(stands,)] = first.ask("SELECT pg_current_wal_insert_lsn()")
                wait_until(
                    lambda: (
                        second.ask(f"SELECT pg_last_wal_replay_lsn() >= '{stands}'") == [(True,)]
                    ),
                    CAUGHT_UP_SECONDS,
                )
            first.kill()
            second.promote()
            started = time.monotonic()
            [(found,)] = second.ask("SELECT count(*) FROM voc.touchpoint_event")
            assert (found < before) == lost, f"{before} events were stored, the standby had {found}"
            seconds = service.seconds_to_progress(started)
        service.wait_until_caught_up()
        snapshots.assert_each_is_right(may_go_back=True)
        assert worker.is_running
        service.assert_everything_holds()
    lacks = "without the last commits" if lost else "which had what was committed"
    note(
        Recovery(
            "R18",
            "PostgreSQL gone for good" + (", last commits lost" if lost else ""),
            f"immediate shutdown under load; its standby, {lacks}, is promoted",
            "every snapshot; the same worker goes on at the other host",
            seconds,
        )
    )
