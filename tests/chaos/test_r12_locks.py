"""R12: other sessions hold what a batch needs: for longer than it waits, and in a circle."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
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
    from collections.abc import Iterator

    from chaos.service import ChaosService

# Longer than the 10 s that a statement of the service waits for a lock.
HELD_SECONDS = 12.0
EVENTS_PER_SECOND = 150.0
DEADLOCK_TIMEOUT_SECONDS = 30.0
LOCKS = {
    "position row": "SELECT 1 FROM stream_position FOR UPDATE",
    "customer table": "LOCK TABLE customer_state IN EXCLUSIVE MODE",
}

pytestmark = pytest.mark.chaos


@contextmanager
def other_session(service: ChaosService) -> Iterator[psycopg2.extensions.cursor]:
    """A transaction of somebody else, rolled back at the end."""
    with closing(psycopg2.connect(service.direct_url, options="-c search_path=voc")) as connection:
        yield connection.cursor()
        connection.rollback()


@pytest.mark.parametrize("what", LOCKS)
def test_lock_held_too_long(service: ChaosService, what: str) -> None:
    """The batch gives up its wait, is tried again, and goes through when the lock is gone.

    The worker neither ends nor leaves its group.
    """
    random = chance()
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        messages = simulated_messages(
            round(EVENTS_PER_SECOND * (HELD_SECONDS + 3)), seed=random.randrange(2**32)
        )
        with Load(service, messages, EVENTS_PER_SECOND):
            service.wait_for_progress(1)
            members = service.members()
            with other_session(service) as cursor:
                cursor.execute(LOCKS[what])
                hold_for(HELD_SECONDS, lambda: worker.is_running)
                assert worker.metric("voc_batch_failures_total") > 0, (
                    "a wait for the lock ended by its time-out"
                )
                assert worker.metric("voc_postgres_retries_total") == 0, (
                    "a lock is not PostgreSQL that does not answer"
                )
            seconds = service.seconds_to_progress(time.monotonic())
            assert service.members() == members
        service.wait_until_caught_up()
    snapshots.assert_each_is_right()
    service.assert_everything_holds()
    note(
        Recovery(
            "R12",
            f"lock on the {what}",
            f"held by another session for {HELD_SECONDS:.0f} s; lock_timeout is 10 s",
            "every snapshot; retried; same member of the group",
            seconds,
        )
    )


def wait_until_batch_waits(service: ChaosService) -> None:
    """Until some session waits for the table of customers while it holds its position.

    It has moved that before.
    """
    waiting = (
        "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'customer_state'::regclass"
        " AND mode IN ('RowExclusiveLock', 'RowShareLock')"
    )
    service.wait_until(
        lambda: bool(service.query(waiting)), DEADLOCK_TIMEOUT_SECONDS, "a batch waits"
    )


def test_deadlock(service: ChaosService) -> None:
    """A batch that PostgreSQL ends because of a deadlock is tried again and counts once."""
    random = chance()
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        messages = simulated_messages(3_000, seed=random.randrange(2**32))
        with Load(service, messages, EVENTS_PER_SECOND):
            service.wait_for_progress(500)
            with other_session(service) as cursor:
                # The service is the one that looks for the circle, so it is the one that is ended.
                cursor.execute("SET LOCAL deadlock_timeout = '1h'")
                cursor.execute("LOCK TABLE customer_state IN EXCLUSIVE MODE")
                wait_until_batch_waits(service)
                before = worker.log.count("deadlock detected")
                cursor.execute(
                    "SELECT 1 FROM stream_position FOR UPDATE"
                )  # comes only when the batch was ended
                service.wait_until(
                    lambda: worker.log.count("deadlock detected") > before,
                    DEADLOCK_TIMEOUT_SECONDS,
                    "the deadlock is told",
                )
            seconds = service.seconds_to_progress(time.monotonic())
        service.wait_until_caught_up()
    snapshots.assert_each_is_right()
    service.assert_everything_holds()
    note(
        Recovery(
            "R12",
            "deadlock",
            "another session locks customers, then the position of a batch that waits for"
            " customers",
            "every snapshot; the batch was ended, and counted once",
            seconds,
        )
    )
