"""R13: a short soak: what grows with the number of batches, and not with the data, must not grow.

VOC_TEST_SOAK_SECONDS is how long it is watched (30). That shows leaks for each batch or each
connection: catalogue rows of temporary tables, locks, sessions, open files, threads. It cannot show
a slow leak of memory. The bound on memory here only finds a fast one, and the soak of an hour
measures the slope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psutil
import pytest
from chaos.load import Load
from chaos.recovery import Recovery, note
from chaos.service import hold_for
from chaos.snapshots import Snapshots
from end_to_end.call_centre import simulated_messages
from end_to_end.harness import chance, from_environment

if TYPE_CHECKING:
    from chaos.service import ChaosService, ChaosWorker

SOAK_SECONDS = from_environment("VOC_TEST_SOAK_SECONDS", 30)
WARM_UP_SECONDS = 8.0
EVENTS_PER_SECOND = 200.0
FEWEST_BATCHES = 3 * SOAK_SECONDS
MORE_CATALOGUE_BYTES = 128 * 1024
MORE_MEMORY_BYTES = 48 * 1024 * 1024
# A table from which rows come and go keeps dead ones until it is vacuumed.
DEAD_ROWS_IN_QUEUES = 60_000
QUEUES = ("customer_move", "increment", "churn_pending")

pytestmark = pytest.mark.chaos


class Usage(NamedTuple):
    """What must stay as it is."""

    catalogue_bytes: int
    temporary_tables: int
    locks: int
    sessions: int
    open_files: int
    threads: int
    memory_bytes: int


def usage(service: ChaosService, worker: ChaosWorker) -> Usage:
    """Measure the database of the service, and its worker."""
    [(catalogue_bytes, temporary_tables, locks, sessions)] = service.query(
        "SELECT pg_total_relation_size('pg_attribute') + pg_total_relation_size('pg_class') +"
        " pg_total_relation_size('pg_type'),"
        " (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'),"
        " (SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid()),"
        " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
        " application_name = 'voc-stream')"
    )
    process = psutil.Process(worker.child.pid)
    return Usage(
        catalogue_bytes,
        temporary_tables,
        locks,
        sessions,
        process.num_fds(),
        process.num_threads(),
        sum(each.memory_info().rss for each in (process, *worker.chores())),
    )


def test_soak(service: ChaosService) -> None:
    """Hundreds of batches leave nothing behind but their rows."""
    random = chance()
    messages = simulated_messages(
        round(EVENTS_PER_SECOND * (WARM_UP_SECONDS + SOAK_SECONDS)), seed=random.randrange(2**32)
    )
    with Snapshots(service) as snapshots:
        worker = service.start_worker()
        service.wait_until_ready([worker])
        with Load(service, messages, EVENTS_PER_SECOND):
            hold_for(WARM_UP_SECONDS, lambda: worker.is_running)
            before, batches = usage(service, worker), worker.metric("voc_batch_seconds_count")
            hold_for(SOAK_SECONDS, lambda: worker.is_running)
            after, batches = (
                usage(service, worker),
                worker.metric("voc_batch_seconds_count") - batches,
            )
        service.wait_until_caught_up()
        snapshots.assert_each_is_right()
    assert batches > FEWEST_BATCHES
    assert after.catalogue_bytes - before.catalogue_bytes <= MORE_CATALOGUE_BYTES, (before, after)
    assert after.temporary_tables <= before.temporary_tables, (before, after)
    assert after.sessions <= before.sessions, (before, after)
    assert after.locks < 3 * max(before.locks, 50), (before, after)
    assert after.open_files <= before.open_files + 5, (before, after)
    assert after.threads <= before.threads + 5, (before, after)
    assert after.memory_bytes - before.memory_bytes < MORE_MEMORY_BYTES, (before, after)
    dead = service.query(
        "SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables WHERE relname = ANY(%s)",
        (list(QUEUES),),
    )
    assert dead[0][0] < DEAD_ROWS_IN_QUEUES
    service.assert_everything_holds()
    note(
        Recovery(
            "R13",
            "soak",
            f"{SOAK_SECONDS} s at {EVENTS_PER_SECOND:.0f} events/s, more than {FEWEST_BATCHES}"
            f" batches",
            "catalogue, temporary tables, locks, sessions, files and threads do not grow; no fast"
            " leak of memory",
            None,
        )
    )
