"""R15: the tables change under running workers.

Rolling upgrades of workers on Apache Kafka are tested in tests/apache. There is one release yet, so
two versions of the code in one group would be the same code twice. What is tested here is what a
migration does to workers that know nothing of it.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance

if TYPE_CHECKING:
    from chaos.service import ChaosService

EVENTS = 5_000
EVENTS_PER_SECOND = 150.0
LOCK_TIMEOUT_SECONDS = 3
ATTEMPTS = 20
MOST_ATTEMPTS = 15
REFUSED_SECONDS = 4.0
TABLES = ("customer_state", "repair_order", "complaint", "touchpoint_event", "stream_position")

pytestmark = pytest.mark.chaos


def test_columns_added_under_load(service: ChaosService) -> None:
    """A migration that adds columns gets its locks in a few short attempts.

    `init` may be repeated, and no batch is lost or repeated.
    """
    random = chance()
    with Snapshots(service) as snapshots:
        workers = [service.start_worker(), service.start_worker()]
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            service.wait_until_ready(workers)
            service.wait_for_progress(100)
            attempts = sum(
                change(service, f"ALTER TABLE {table} ADD COLUMN of_next_version text")
                for table in TABLES
            )
            service.command("init")
            seconds = service.seconds_to_progress(time.monotonic())
        service.wait_until_caught_up()
        assert all(worker.is_running for worker in workers)
        assert attempts < MOST_ATTEMPTS
        snapshots.assert_each_is_right()
        for table in TABLES:
            change(service, f"ALTER TABLE {table} DROP COLUMN of_next_version")
        service.assert_everything_holds()
    note(
        Recovery(
            "R15",
            "migration under load",
            f"a column added to {len(TABLES)} tables, lock_timeout {LOCK_TIMEOUT_SECONDS} s;"
            f" `init`",
            f"every snapshot; fewer than {MOST_ATTEMPTS} attempts for all locks",
            seconds,
        )
    )


def change(service: ChaosService, statement: str) -> int:
    """Change a table as a migration does: with a short wait for its lock, again and again.

    Returns how many attempts that took.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with (
            closing(
                psycopg2.connect(service.direct_url, options="-c search_path=voc")
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
            try:
                cursor.execute(statement)
            except psycopg2.errors.LockNotAvailable:
                continue
            connection.commit()
            return attempt
    raise AssertionError(f"{ATTEMPTS} attempts were not enough for: {statement}")


def test_tables_of_a_newer_version(service: ChaosService) -> None:
    """A worker that meets tables of another version changes nothing and says what to do.

    It goes on when the tables fit again.
    """
    random = chance()
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        with Load(
            service, simulated_messages(EVENTS, seed=random.randrange(2**32)), EVENTS_PER_SECOND
        ):
            service.wait_for_progress(100)
            [(version,)] = service.query("SELECT version_num FROM schema_version")
            change(service, "UPDATE schema_version SET version_num = 'of_next_version'")
            end_sessions(service)
            service.wait_until(
                lambda: "run `voc-stream init` of the newer one" in worker.log,
                30,
                "the worker says what is wrong",
            )
            stands_at = service.progress()
            hold_for(REFUSED_SECONDS, lambda: worker.is_running)
            assert service.progress() == stands_at
            change(service, f"UPDATE schema_version SET version_num = '{version}'")
            seconds = service.seconds_to_progress(time.monotonic())
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
        service.assert_everything_holds()
    note(
        Recovery(
            "R15",
            "tables of another version",
            "the version raised and all sessions ended under load, then lowered again",
            "every snapshot; nothing is written meanwhile, the log says what to do; the same worker"
            " goes on",
            seconds,
        )
    )


def end_sessions(service: ChaosService) -> None:
    """End every session of the workers, as an upgrade may.

    The version itself is looked at in every transaction.
    """
    service.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'voc-stream'"
    )
