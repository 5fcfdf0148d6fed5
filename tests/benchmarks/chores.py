"""What `make bench-chores` measures.

What merging contributions and assessing risks cost, which one worker at a time does for all.

The mix goes through the sink of this process, without Kafka; then the two chores run until nothing
is left. Their time an event bounds the rate of a whole installation on one PostgreSQL, however many
workers it has.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

from benchmarks import machine, throughput
from benchmarks.load import Load, messages
from benchmarks.results import PAGE, PATH, Record, append, chosen, figure, section
from benchmarks.stage import BROKERS, PAST, Stage, run_command

from voc_stream.catalogue.load import load_catalogue
from voc_stream.pipeline.ports import Batch, Message, Partition, StoredPosition
from voc_stream.pipeline.take_in import decode_messages
from voc_stream.postgres.chores.postgres_chores import PostgresChores
from voc_stream.postgres.intake.batch_transaction import PostgresSink
from voc_stream.published.markdown import put_section

SOURCE = Partition("chores", 0)
COLUMNS = (
    chosen("events", "events"),
    figure("sink alone, events/s", "sink_events_per_second"),
    figure("merging, µs an event", "refresh_microseconds", ".1f"),
    figure("assessing, µs an event", "assess_microseconds", ".1f"),
    figure("one merger can follow, events/s", "refresh_events_per_second"),
    figure("one assessor can follow, events/s", "assess_events_per_second"),
)


def measure(stage: Stage, load: Load) -> dict[str, float]:
    """Take in a load without any worker, then let the chores run, one after the other."""
    url, catalogue = stage.settings.require_database_url(), load_catalogue()
    start = datetime.now(UTC) - PAST
    values = [
        message.value
        for message in messages(load, start, 0.97 * PAST.total_seconds() / load.events)
    ]
    step = stage.plan.batch_messages
    with (
        closing(PostgresSink(url, catalogue)) as sink,
        closing(PostgresChores(url, catalogue)) as chores,
    ):
        sink.start_at(SOURCE, StoredPosition("chores", 0), None)
        began = time.monotonic()
        for first in range(0, load.events, step):
            now = datetime.now(UTC)
            decoded = decode_messages(
                [
                    Message(first + place, value)
                    for place, value in enumerate(values[first : first + step])
                ],
                now,
                catalogue,
            )
            sink.process([Batch(SOURCE, StoredPosition("chores", first), decoded)], now)
        taken_in = time.monotonic()
        waiting = " UNION ALL ".join(
            f"SELECT FROM {queue}" for queue in ("customer_move", "increment")
        )
        while stage.number(f"SELECT count(*) FROM ({waiting} LIMIT 1) waiting"):
            chores.refresh(datetime.now(UTC))
        refreshed = time.monotonic()
        while stage.number("SELECT count(*) FROM (SELECT FROM churn_pending LIMIT 1) waiting"):
            chores.assess_churn(datetime.now(UTC))
        assessed = time.monotonic()
    return {
        "sink_events_per_second": load.events / (taken_in - began),
        "refresh_microseconds": 1e6 * (refreshed - taken_in) / load.events,
        "assess_microseconds": 1e6 * (assessed - refreshed) / load.events,
        "refresh_events_per_second": load.events / (refreshed - taken_in),
        "assess_events_per_second": load.events / (assessed - refreshed),
    }


def main() -> None:
    """Run what the arguments say and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench-chores",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    throughput.add_stage_arguments(parser)
    arguments = parser.parse_args()
    plan, load = throughput.plan_of(arguments), throughput.load_of(arguments)
    with Stage(plan) as stage:
        figures = measure(stage, load)
    inputs = {**asdict(plan), **asdict(load)}
    machine_line = machine.describe(BROKERS[plan.broker])
    record = Record(
        benchmark="chores",
        inputs=inputs,
        figures=figures,
        machine=machine_line,
        commit=machine.commit(),
    )
    print(section([record], COLUMNS))
    if arguments.write:
        append(PATH, record)
        put_section(PAGE, "chores", section([record], COLUMNS))


if __name__ == "__main__":
    run_command(main)
