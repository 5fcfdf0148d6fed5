"""`make bench`: how many events a second go from preloaded topics to the last row.

And what an event costs.

Fills the tables with all customers, sends the benchmark mix (70 % repair steps, 20 % callbacks with
nine answers, 10 % complaints), and only then starts the workers. The rate counts from the moment
when every worker has committed a batch to the last row; `complete` counts until the rolling tables
of sites and the risks contain all of it, too. Processor time is that of the whole span, until also
the details and the cube are merged (and, in the results, `stream`: until the last row).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, replace
from typing import NamedTuple

from benchmarks import machine
from benchmarks.copy_rate import copy_rate
from benchmarks.history import add_customers
from benchmarks.load import Load
from benchmarks.processes import MEBIBYTE
from benchmarks.results import PAGE, PATH, Record, append, chosen, figure, section
from benchmarks.stage import BROKERS, BenchmarkError, Plan, Stage, run_command

from voc_stream.published.markdown import put_section

START_SECONDS = 90.0
RUN_SECONDS = 1800.0
METRICS_SECONDS = 0.1
COUNTED_SHARE = 1 / 3
"""Of the load; where less is left when all workers are at work, nothing was measured."""
WORKERS_TABLE = [(workers, partitions) for partitions in (8, 32) for workers in (1, 2, 4)]
COLUMNS = (
    chosen("workers", "workers"),
    chosen("partitions", "partitions"),
    (
        "own processor for PostgreSQL and broker",
        lambda record: "yes" if record.inputs["postgres_core"] else "no",
    ),
    figure("events counted", "counted_events"),
    figure("events/s", "events_per_second"),
    figure("events/s, complete", "complete_events_per_second"),
    figure("catching up, s", "catching_up_seconds", ".1f"),
    figure("worker, µs an event", "worker_microseconds", ".1f"),
    figure("PostgreSQL, µs an event", "postgres_microseconds", ".1f"),
    figure("broker, µs an event", "broker_microseconds", ".1f"),
    figure("peak memory of a worker, MiB", "worker_peak_mebibytes"),
    figure("WAL, bytes an event", "wal_bytes"),
    figure("COPY alone, rows/s", "copy_rows_per_second"),
)


class Mark(NamedTuple):
    """Where things stood at a moment of the monotonic clock; processor time in seconds."""

    moment: float
    taken_in: int
    worker: float
    postgres: float
    broker: float
    wal_bytes: float


def mark(stage: Stage) -> Mark:
    """Where things stand now."""
    taken_in, wal_bytes = (
        stage.taken_in(),
        stage.number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"),
    )
    worker, postgres, broker = (
        each.processor_seconds()
        for each in (stage.workers_processes(), stage.postgres, stage.broker)
    )
    return Mark(time.monotonic(), taken_in, worker, postgres, broker, wal_bytes)


def measure(stage: Stage, load: Load, workers: int) -> dict[str, float]:
    """Send a load, start workers, and watch until all is taken in and all tables are complete.

    Raises BenchmarkError.
    """
    before, database_bytes = (
        stage.taken_in(),
        stage.number("SELECT pg_database_size(current_database())"),
    )
    sent_bytes = stage.preload(load)
    started = time.monotonic()
    stage.start_workers(workers)
    first = _when_all_are_at_work(stage, workers, before + load.events)
    stage.wait_until(
        lambda: stage.taken_in() >= before + load.events, RUN_SECONDS, "not all was taken in"
    )
    last = mark(stage)
    stage.wait_until(
        lambda: not stage.chores_wait(), RUN_SECONDS, "rolling tables or risks are not complete"
    )
    complete = mark(stage)
    stage.wait_until(
        lambda: not stage.details_wait(), RUN_SECONDS, "details or cube are not complete"
    )
    merged = mark(stage)
    if last.taken_in - first.taken_in < COUNTED_SHARE * load.events:
        raise BenchmarkError(
            f"only {last.taken_in - first.taken_in:,} events were left when every worker was at"
            f" work: send more --events"
        )
    return figures(first, last, complete, merged) | {
        "start_up_seconds": first.moment - started,
        "worker_peak_mebibytes": max(stage.workers_processes().peak_memory_bytes()) / MEBIBYTE,
        "sent_bytes": sent_bytes / load.events,
        "table_bytes": (
            stage.number("SELECT pg_database_size(current_database())") - database_bytes
        )
        / load.events,
    }


def prepare(stage: Stage, load: Load, workers: int) -> None:
    """Start workers and let them take in a load, with nothing left to do. Raises BenchmarkError."""
    goal = stage.taken_in() + load.events
    stage.preload(load)
    stage.start_workers(workers)
    stage.wait_until(
        lambda: stage.taken_in() >= goal and not stage.chores_wait(),
        RUN_SECONDS,
        "the tables are not complete",
    )


def figures(first: Mark, last: Mark, complete: Mark, merged: Mark) -> dict[str, float]:
    """Rates and costs an event between marks. Pure."""
    events = last.taken_in - first.taken_in
    microseconds = 1e6 / events
    return {
        "counted_events": events,
        "events_per_second": events / (last.moment - first.moment),
        "complete_events_per_second": events / (complete.moment - first.moment),
        "catching_up_seconds": complete.moment - last.moment,
        "worker_microseconds": (merged.worker - first.worker) * microseconds,
        "postgres_microseconds": (merged.postgres - first.postgres) * microseconds,
        "broker_microseconds": (merged.broker - first.broker) * microseconds,
        "worker_stream_microseconds": (last.worker - first.worker) * microseconds,
        "postgres_stream_microseconds": (last.postgres - first.postgres) * microseconds,
        "wal_bytes": (merged.wal_bytes - first.wal_bytes) / events,
    }


def _when_all_are_at_work(stage: Stage, workers: int, goal: int) -> Mark:
    """The first commit after which every worker has made one."""
    deadline = time.monotonic() + START_SECONDS
    while stage.workers_that_committed() < workers:
        stage.require_workers()
        if stage.taken_in() >= goal or time.monotonic() > deadline:
            raise BenchmarkError(
                "the load was taken in, or 90 s passed, before every worker had its part: send more"
                " --events"
            )
        time.sleep(METRICS_SECONDS)
    taken_in = stage.taken_in()
    stage.wait_until(lambda: stage.taken_in() > taken_in, START_SECONDS, "no batch was committed")
    return mark(stage)


def run(benchmark: str, plan: Plan, load: Load, workers: int) -> Record:
    """Measure on a stage of its own."""
    commit = machine.commit()  # another one may come while it runs
    with Stage(plan) as stage:
        add_customers(stage.settings.require_database_url(), stage.cursor, load.customers)
        copied = copy_rate(stage.cursor)
        measured = measure(stage, load, workers) | {"copy_rows_per_second": copied}
    inputs = {"workers": workers, **asdict(plan), **asdict(load)}
    machine_line = machine.describe(BROKERS[plan.broker])
    return Record(
        benchmark=benchmark, inputs=inputs, figures=measured, machine=machine_line, commit=commit
    )


def main() -> None:
    """Run what the arguments say and print the table."""
    arguments = parser().parse_args()
    plan, load = plan_of(arguments), load_of(arguments)
    asked = WORKERS_TABLE if arguments.table else [(arguments.workers, arguments.partitions)]
    benchmark = (
        "workers"
        if arguments.table
        else "own processor"
        if arguments.postgres_core
        else "throughput"
    )
    records = []
    for workers, partitions in asked:
        record = run(benchmark, replace(plan, partitions=partitions), load, workers)
        records.append(record)
        print(section(records, COLUMNS), flush=True)
        if arguments.write:
            append(PATH, record)
    if arguments.write:
        put_section(PAGE, benchmark, section(records, COLUMNS))


def parser() -> argparse.ArgumentParser:
    """The arguments of this command."""
    it = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    it.add_argument("--workers", type=int, default=1)
    it.add_argument(
        "--table",
        action="store_true",
        help="1, 2 and 4 workers on 8 and on 32 partitions, one after the other",
    )
    it.add_argument(
        "--postgres-core",
        action="store_true",
        help="bind PostgreSQL and broker to one processor, the workers to the others",
    )
    add_stage_arguments(it)
    it.add_argument(
        "--event-bytes", type=int, default=0, help="make shorter messages as long as this"
    )
    it.add_argument(
        "--duplicate-share", type=float, default=0.0, help="0 to 1, of the messages: repeated ones"
    )
    it.add_argument(
        "--late-share",
        type=float,
        default=0.0,
        help="0 to 1, of the events: those that occurred up to thirty days ago",
    )
    return it


def add_stage_arguments(it: argparse.ArgumentParser) -> None:
    """The arguments that several benchmarks have."""
    it.add_argument("--broker", choices=sorted(BROKERS), default="embedded")
    it.add_argument("--partitions", type=int, default=8)
    it.add_argument("--batch-messages", type=int, default=Plan.batch_messages)
    it.add_argument(
        "--catalogue",
        help="of the workers; a file needs a higher version than the packaged default",
    )
    it.add_argument("--events", type=int, default=Load.events)
    it.add_argument("--customers", type=int, default=Load.customers)
    it.add_argument("--sites", type=int, default=Load.sites)
    it.add_argument(
        "--write",
        action="store_true",
        help="keep what is measured, and put it into docs/reference/performance.md",
    )


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The stage that arguments ask for."""
    return Plan(
        broker=arguments.broker,
        partitions=arguments.partitions,
        batch_messages=arguments.batch_messages,
        postgres_core=getattr(arguments, "postgres_core", False),
        catalogue=arguments.catalogue,
    )


def load_of(arguments: argparse.Namespace) -> Load:
    """The load that arguments ask for."""
    given = vars(arguments)
    return Load(**{name: given[name] for name in vars(Load()) if name in given})


if __name__ == "__main__":
    run_command(main)
