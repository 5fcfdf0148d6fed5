from __future__ import annotations

from dataclasses import asdict, replace

from benchmarks.results import Record
from benchmarks.scale import Assumptions, Costs, costs, limits, machines

COST = Costs(
    worker_microseconds=20.0,
    postgres_microseconds=48.0,
    broker_microseconds=5.0,
    wal_bytes=2_500.0,
    sent_bytes=300.0,
    table_bytes=1_000.0,
    refresh_microseconds=0.6,
    assess_microseconds=0.3,
)
GIVEN = Assumptions(utilisation=0.5, shard_processors=32, wal_megabytes_per_second=500.0)


def needed(cost: Costs) -> dict[str, str]:
    return {what: how_much for what, how_much, _ in machines(1e6, cost, GIVEN)}


def test_costs_are_multiplied() -> None:
    """A million events of 20 µs are 20 processors, 40 when half of each is planned for.

    Two partitions for each worker.
    """
    found = needed(COST)
    assert found["workers, of one processor each"] == "40"
    assert found["partitions of the busiest topic"] == "128"
    assert found["into Kafka, MB/s"] == "300"
    assert found["between brokers, MB/s"] == "600"


def test_shards_are_what_the_scarcest_thing_needs() -> None:
    """By processors 3, by WAL 5, by the one merger 1.2: five shards.

    With a dearer merger it decides.
    """
    assert needed(COST)["PostgreSQL shards"] == "5"
    assert needed(replace(COST, refresh_microseconds=6.0))["PostgreSQL shards"] == "12"


def test_what_gives_way_first_stands_first() -> None:
    """The limits are in the order in which a growing rate meets them."""
    found = limits(COST, GIVEN)
    assert [limit for _, limit, _ in found] == sorted(limit for _, limit, _ in found)
    assert found[0][0] == "one worker"
    assert limits(replace(COST, refresh_microseconds=100.0), GIVEN)[0][0].startswith("one merger")


def test_the_plan_waits_for_measured_costs() -> None:
    """Nothing is computed from what was not measured.

    With PostgreSQL on its own processor the costs are purer, so they go first.
    """
    chores = {
        name: value
        for name, value in asdict(COST).items()
        if name.startswith(("refresh", "assess"))
    }
    shared = Record(
        benchmark="throughput",
        inputs={},
        figures=asdict(replace(COST, worker_microseconds=30.0)),
        machine="m",
        commit="c",
    )
    own = Record(
        benchmark="own processor", inputs={}, figures=asdict(COST), machine="m", commit="c"
    )
    alone = Record(benchmark="chores", inputs={}, figures=chores, machine="m", commit="c")
    assert costs([own]) is None
    assert costs([shared, alone]) == replace(COST, worker_microseconds=30.0)
    assert costs([own, shared, alone]) == COST
