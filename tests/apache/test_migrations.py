"""Migrations while workers run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations
from apache.flow import Flow
from sqlalchemy.exc import OperationalError

from voc_stream.postgres.session.connection import engine_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apache_kafka import KafkaCluster
    from end_to_end.harness import Service

    StartService = Callable[..., Service]

LONGEST_STALL_SECONDS = 10.0
# What a migration of a busy table should have: one that waits for longer keeps all that come after
# it waiting, too.
LOCK_TIMEOUT_SECONDS = 2
ATTEMPTS = 10
COLUMN = "added_in_a_test"
TABLES = ("touchpoint_event", "customer_state", "repair_order", "complaint", "stream_position")


@contextmanager
def loaded(service: Service) -> Iterator[Flow]:
    """Two workers and a stream of events, until the block ends.

    Then the end of that stream in the tables, and no long stall.
    """
    service.start_worker()
    service.start_worker()
    with Flow(service) as flow:
        service.wait_for_progress(200)
        yield flow
        service.wait_for_progress(service.progress() + 200)
    service.wait_until_caught_up()
    print(f"longest stall of a partition: {flow.longest_stall_seconds:.1f} s")  # noqa: T201  pytest shows it where asked
    assert flow.longest_stall_seconds < LONGEST_STALL_SECONDS


@pytest.mark.slow
def test_migrations_while_workers_run(
    shared_cluster: KafkaCluster, start_service: StartService
) -> None:
    """Neither `init`, repeated, nor columns that come and go hold up the stream.

    Workers that do not know the columns go on.

    Each change of a table takes its lock within a few short attempts; all tables equal the
    oracle's.
    """
    service = start_service(shared_cluster)
    with loaded(service):
        service.command("init")
        attempts = [add_column(service, table) for table in TABLES]
        service.command("init")
        service.wait_for_progress(service.progress() + 300)
        attempts += [drop_column(service, table) for table in TABLES]
        service.wait_for_progress(service.progress() + 300)
    print(f"attempts: {attempts}")  # noqa: T201  pytest shows it where asked
    service.assert_tables_are_right()


def add_column(service: Service, table: str) -> int:
    """Add a column that no version of the service knows; how many attempts it took."""
    column = sqlalchemy.Column(COLUMN, sqlalchemy.Text, server_default="-")
    return migrated(
        service, table, lambda operations: operations.add_column(table, column, schema="voc")
    )


def drop_column(service: Service, table: str) -> int:
    """Remove it; how many attempts it took."""
    return migrated(
        service, table, lambda operations: operations.drop_column(table, COLUMN, schema="voc")
    )


def migrated(service: Service, table: str, change: Callable[[Operations], None]) -> int:
    """Run one migration; how many attempts it took."""
    engine = engine_for(service.settings.require_database_url())
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with engine.begin() as connection:
                    connection.execute(
                        sqlalchemy.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
                    )
                    change(Operations(MigrationContext.configure(connection)))
            except OperationalError as error:
                if "lock timeout" not in str(error):
                    raise
            else:
                return attempt
    finally:
        engine.dispose()
    raise AssertionError(f"{table}: no turn in {ATTEMPTS} attempts of {LOCK_TIMEOUT_SECONDS} s")
