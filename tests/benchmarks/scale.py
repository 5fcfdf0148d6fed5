"""What `make bench-scale` measures.

What many machines would have to be for a rate, from what one event was measured to cost here.

Nothing is measured; the newest results of `own processor` (or `throughput`) and `chores` are
multiplied. What cannot be known here, such as what a bigger machine's disk can do, is an assumption
with a name below.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.results import PAGE, PATH, command_line, newest, read

from voc_stream.published.markdown import put_section, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Record

MEGA = 1e6
TERA = 1e12
SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What is not measured here.

    Attributes:
        utilisation: share of a processor that is planned for, 0-1; the rest is for peaks,
            rebalances and a machine that fails.
        worker_processors: of one worker process; Python uses one and a little.
        shard_processors: of one PostgreSQL machine.
        wal_megabytes_per_second: what one such machine writes to its disk and sends to its standby,
            lastingly.
        partition_megabytes_per_second: what one Kafka partition takes lastingly.
        replication: copies of each Kafka partition.
    """

    utilisation: float = 0.6
    worker_processors: float = 1.0
    shard_processors: int = 32
    wal_megabytes_per_second: float = 500.0
    partition_megabytes_per_second: float = 5.0
    replication: int = 3


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What one event was measured to cost.

    Processor time in microseconds, bytes, and time of the chores that one worker does for all.
    """

    worker_microseconds: float
    postgres_microseconds: float
    broker_microseconds: float
    wal_bytes: float
    sent_bytes: float
    table_bytes: float
    refresh_microseconds: float
    assess_microseconds: float


def sources(records: Sequence[Record]) -> list[Record]:
    """The newest records that the costs are from: chores, then throughput.

    Fewer where something was not measured.
    """
    found = (
        newest(records, "chores"),
        newest(records, "own processor") or newest(records, "throughput"),
    )
    return [each[-1] for each in found if each]


def costs(records: Sequence[Record]) -> Costs | None:
    """The newest measured costs; None if something was not measured."""
    found = sources(records)
    if len(found) < 2:
        return None
    measured = {**found[0].figures, **found[1].figures}
    return Costs(**{name: measured[name] for name in Costs.__dataclass_fields__})


def machines(rate: float, cost: Costs, given: Assumptions) -> list[tuple[str, str, str]]:
    """What a rate needs: what, how much, and from which figures. Pure."""
    workers = _up(
        rate * cost.worker_microseconds / 1e6 / given.utilisation / given.worker_processors
    )
    in_megabytes = rate * cost.sent_bytes / MEGA
    partitions = _power_of_two(
        max(2 * workers, in_megabytes / given.partition_megabytes_per_second)
    )
    by_processors = (
        rate * cost.postgres_microseconds / 1e6 / given.utilisation / given.shard_processors
    )
    by_wal = rate * cost.wal_bytes / MEGA / given.wal_megabytes_per_second
    by_chores = (
        rate * max(cost.refresh_microseconds, cost.assess_microseconds) / 1e6 / given.utilisation
    )
    shards = _up(max(by_processors, by_wal, by_chores))
    broker_processors = (
        rate * cost.broker_microseconds * given.replication / 1e6 / given.utilisation
    )
    return [
        (
            "workers, of one processor each",
            f"{workers:,}",
            f"{cost.worker_microseconds:.1f} µs an event",
        ),
        (
            "partitions of the busiest topic",
            f"{partitions:,}",
            "two for each worker, rounded up to a power of two",
        ),
        (
            "PostgreSQL shards",
            f"{shards:,}",
            (
                f"the most of {by_processors:.1f} for {cost.postgres_microseconds:.1f} µs an event"
                f" on {given.shard_processors} processors,"
                f" {by_wal:.1f} for {cost.wal_bytes:,.0f} bytes of WAL an event, {by_chores:.1f}"
                f" for one merger and one assessor a shard"
            ),
        ),
        ("events/s of a shard", f"{rate / shards:,.0f}", ""),
        (
            "WAL of a shard, MB/s",
            f"{rate * cost.wal_bytes / MEGA / shards:,.0f}",
            f"of {given.wal_megabytes_per_second:,.0f} assumed",
        ),
        (
            "processors of the brokers",
            f"{_up(broker_processors):,}",
            f"{cost.broker_microseconds:.1f} µs an event and copy",
        ),
        (
            "into Kafka, MB/s",
            f"{in_megabytes:,.0f}",
            f"{cost.sent_bytes:,.0f} bytes an event, not compressed",
        ),
        (
            "between brokers, MB/s",
            f"{in_megabytes * (given.replication - 1):,.0f}",
            f"{given.replication} copies",
        ),
        (
            "tables grow a day, TB",
            f"{rate * cost.table_bytes * SECONDS_A_DAY / TERA:,.1f}",
            f"{cost.table_bytes:,.0f} bytes an event",
        ),
        (
            "connections to a shard, workers bound to shards",
            f"{3 * _up(workers / shards):,}",
            "three for each worker: batches, its own chores and those of the tables",
        ),
        (
            "connections to a shard, any worker to any shard",
            f"{3 * workers:,}",
            "the same, each to all",
        ),
    ]


def limits(cost: Costs, given: Assumptions) -> list[tuple[str, float, str]]:
    """What gives way when only one thing grows, the lowest rate first.

    What, events/s, and what to do then. Pure.
    """
    found = [
        (
            "one merger: `refresh` holds one lock for all",
            given.utilisation * 1e6 / cost.refresh_microseconds,
            "merge on each shard by itself; the views add the shards' sums",
        ),
        (
            "one assessor of risks",
            given.utilisation * 1e6 / cost.assess_microseconds,
            "one for each shard: a risk needs only rows of its customer",
        ),
        (
            f"processors of one PostgreSQL of {given.shard_processors}",
            given.utilisation * given.shard_processors * 1e6 / cost.postgres_microseconds,
            "shards by hash of `customer_id`",
        ),
        (
            "WAL of one PostgreSQL",
            given.wal_megabytes_per_second * MEGA / cost.wal_bytes,
            "shards by hash of `customer_id`",
        ),
        (
            "one worker",
            given.utilisation * given.worker_processors * 1e6 / cost.worker_microseconds,
            "more workers in the group, and partitions for them",
        ),
    ]
    return sorted(found, key=lambda limit: limit[1])


def text(rate: float, cost: Costs, given: Assumptions, found: Sequence[Record]) -> str:
    """The section of the page."""
    return "\n".join(
        [
            "Computed by",
            "",
            f"    {command_line(sys.argv)}",
            "",
            (
                f"for {rate:,.0f} events/s, with processors used to {given.utilisation:.0%}, from"
                f" what"
                f" an event was measured to cost:"
            ),
            "",
            *(
                f"- {each.benchmark}: {each.measured_at[:10]}, commit {each.commit}, {each.machine}"
                for each in found
            ),
            "",
            table(("needed", "how much", "because of"), machines(rate, cost, given), text=(0, 2)),
            "",
            "What gives way first, when only its neighbours grow:",
            "",
            table(
                ("limit", "events/s", "then"),
                [(what, f"{limit:,.0f}", then) for what, limit, then in limits(cost, given)],
                text=(0, 2),
            ),
        ]
    )


def main() -> None:
    """Print the plan."""
    parser = argparse.ArgumentParser(
        prog="bench-scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rate", type=float, default=1e6, help="events a second")
    parser.add_argument("--results", type=Path, default=PATH)
    parser.add_argument(
        "--write", action="store_true", help="put it into docs/reference/performance.md"
    )
    arguments = parser.parse_args()
    records = read(arguments.results)
    cost = costs(records)
    if cost is None:
        sys.exit(
            f"{arguments.results} lacks results of throughput or chores: run `make bench` and `make"
            f" bench-chores` with --write first"
        )
    planned = text(arguments.rate, cost, Assumptions(), sources(records))
    print(planned)
    if arguments.write:
        put_section(PAGE, "scale", planned)


def _up(value: float) -> int:
    return max(1, math.ceil(value))


def _power_of_two(value: float) -> int:
    return 1 << max(0, math.ceil(math.log2(value)))


if __name__ == "__main__":
    main()
