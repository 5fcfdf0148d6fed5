from __future__ import annotations

import pytest
from benchmarks.throughput import Mark, figures, load_of, parser, plan_of


def test_rates_and_costs_count_from_the_first_mark() -> None:
    """What was taken in before all workers were at work does not count.

    Neither as events nor as time nor as cost.
    """
    first = Mark(10.0, 50_000, worker=1.0, postgres=2.0, broker=0.5, wal_bytes=1e6)
    last = Mark(14.0, 150_000, worker=3.0, postgres=6.0, broker=1.0, wal_bytes=2e8)
    complete = Mark(15.0, 150_000, worker=3.5, postgres=7.0, broker=1.0, wal_bytes=2.51e8)
    assert figures(first, last, complete, complete) == pytest.approx(
        {
            "counted_events": 100_000,
            "events_per_second": 25_000,
            "complete_events_per_second": 20_000,
            "catching_up_seconds": 1.0,
            "worker_microseconds": 25.0,
            "postgres_microseconds": 50.0,
            "broker_microseconds": 5.0,
            "worker_stream_microseconds": 20.0,
            "postgres_stream_microseconds": 40.0,
            "wal_bytes": 2_500,
        }
    )


def test_arguments_become_plan_and_load() -> None:
    """Every option reaches the stage or the load under its name."""
    line = (
        "--partitions 32 --postgres-core --broker apache --events 9 --customers 8 --sites 7"
        " --event-bytes 600 --late-share 0.2"
    )
    given = parser().parse_args([*line.split(), "--duplicate-share", "0.1"])
    plan, load = plan_of(given), load_of(given)
    assert (plan.partitions, plan.postgres_core, plan.broker) == (32, True, "apache")
    assert (load.events, load.customers, load.sites, load.event_bytes) == (9, 8, 7, 600)
    assert (load.late_share, load.duplicate_share, load.seed) == (0.2, 0.1, 1)
