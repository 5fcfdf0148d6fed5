"""What `make bench-latency` measures.

How long after it should have been sent an event is visible in PostgreSQL, while a steady load runs.

First the throughput is measured; then producers of their own processes send at half of it (or at
--rates) and never wait for anybody. An event is visible when the stored position has passed its
offset, since its rows are in the same transaction. The position is read every 20 ms. What lies
between two readings counts as visible at the second. The first seconds are not counted.
"""

from __future__ import annotations

import argparse
import time
from bisect import bisect_right
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from benchmarks import machine, throughput
from benchmarks.figures import percentile
from benchmarks.history import add_customers
from benchmarks.producers import Producers
from benchmarks.results import PAGE, PATH, Record, append, chosen, figure, section
from benchmarks.stage import BROKERS, POLL_SECONDS, BenchmarkError, Stage, run_command

from voc_stream.published.markdown import put_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.load import Load
    from benchmarks.producer import Note

WARM_UP_SECONDS = 5.0
PREPARATION_EVENTS = 100_000
START_SECONDS = 120.0
BEHIND_SECONDS = 60.0
COLUMNS = (
    figure("events/s", "rate"),
    chosen("workers", "workers"),
    figure("seconds", "seconds"),
    figure("p50, ms", "p50_ms"),
    figure("p95, ms", "p95_ms"),
    figure("p99, ms", "p99_ms"),
    figure("longest, ms", "longest_ms"),
    figure("p99 until acknowledged by the broker, ms", "acknowledged_p99_ms"),
    figure("processors used: workers", "worker_processors", ".2f"),
    figure("PostgreSQL", "postgres_processors", ".2f"),
    figure("broker", "broker_processors", ".2f"),
    figure("producers", "producer_processors", ".2f"),
)


class Positions:
    """When the stored positions passed which offsets. Moments are of the monotonic clock."""

    def __init__(self) -> None:
        self._moments: dict[tuple[str, int], list[float]] = {}
        self._offsets: dict[tuple[str, int], list[int]] = {}

    def add(self, moment: float, positions: Iterable[tuple[str, int, int]]) -> None:
        """Note one look at (topic, partition, next offset)."""
        for topic, partition, next_offset in positions:
            offsets = self._offsets.setdefault((topic, partition), [])
            if not offsets or offsets[-1] != next_offset:
                offsets.append(next_offset)
                self._moments.setdefault((topic, partition), []).append(moment)

    def visible_at(self, topic: str, partition: int, offset: int) -> float | None:
        """The first look at which the position had passed the offset; None if it never had.

        >>> positions = Positions()
        >>> positions.add(1.0, [("voc.callbacks", 0, 5)])
        >>> positions.add(2.0, [("voc.callbacks", 0, 8)])
        >>> positions.visible_at("voc.callbacks", 0, 4), positions.visible_at("voc.callbacks", 0, 5)
        (1.0, 2.0)
        """
        place = bisect_right(self._offsets.get((topic, partition), []), offset)
        moments = self._moments.get((topic, partition), [])
        return moments[place] if place < len(moments) else None


def delays(
    notes: Iterable[Note], positions: Positions, since: float
) -> Iterator[tuple[float, float]]:
    """For each event that was due from `since` on: seconds until acknowledged, and until visible.

    BenchmarkError where one never was.
    """
    for note in notes:
        for number, due in enumerate(note.due):
            if due < since:
                continue
            visible = positions.visible_at(note.topic, note.partition, note.offset + number)
            if visible is None:
                raise BenchmarkError(
                    f"{note.topic}[{note.partition}] offset {note.offset + number} was sent and"
                    f" never became visible"
                )
            yield note.acknowledged - due, visible - due


def measure(
    stage: Stage, load: Load, rate: float, seconds: float, producers: int = 1
) -> dict[str, float]:
    """Send at a rate for so many seconds after the warm-up.

    The workers of the stage have nothing to do. Raises BenchmarkError.
    """
    positions = Positions()
    before = look(stage, positions)
    with Producers(
        stage, replace(load, events=int(rate * (seconds + WARM_UP_SECONDS))), rate, producers
    ) as sending:

        def watch(goal: int, limit_seconds: float) -> throughput.Mark:
            _look_until(lambda: look(stage, positions) >= goal, stage, sending, limit_seconds)
            return throughput.mark(stage)

        first = watch(before + 1, START_SECONDS)
        last = watch(before + sending.events, seconds + WARM_UP_SECONDS + BEHIND_SECONDS)
        runs = sending.finished()
    both = [
        pair for run in runs for pair in delays(run.notes, positions, run.started + WARM_UP_SECONDS)
    ]
    until_visible = [visible for _, visible in both]
    span = last.moment - first.moment
    return {
        "rate": rate,
        "seconds": seconds,
        "p50_ms": 1e3 * percentile(until_visible, 0.5),
        "p95_ms": 1e3 * percentile(until_visible, 0.95),
        "p99_ms": 1e3 * percentile(until_visible, 0.99),
        "longest_ms": 1e3 * max(until_visible),
        "acknowledged_p99_ms": 1e3 * percentile([acknowledged for acknowledged, _ in both], 0.99),
        "worker_processors": (last.worker - first.worker) / span,
        "postgres_processors": (last.postgres - first.postgres) / span,
        "broker_processors": (last.broker - first.broker) / span,
        "producer_processors": sum(run.processor_seconds for run in runs) / span,
    }


def look(stage: Stage, positions: Positions) -> int:
    """Note where the tables stand; how many messages they contain."""
    stage.cursor.execute("SELECT topic, partition, next_offset FROM stream_position")
    found = stage.cursor.fetchall()
    positions.add(time.monotonic(), found)
    return sum(next_offset for _, _, next_offset in found)


def _look_until(
    condition: Callable[[], bool], stage: Stage, sending: Producers, limit_seconds: float
) -> None:
    deadline = time.monotonic() + limit_seconds
    while not condition():
        stage.require_workers()
        sending.require()
        if time.monotonic() > deadline:
            raise BenchmarkError(
                f"the tables were still behind after {limit_seconds:.0f} s: the rate is more than"
                f" this machine can do"
            )
        time.sleep(POLL_SECONDS)


def main() -> None:
    """Run what the arguments say and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench-latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--rates",
        type=float,
        nargs="*",
        help="events a second; else half of the throughput, measured first",
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="how long to measure, after the warm-up"
    )
    parser.add_argument("--producers", type=int, default=1, help="processes that send")
    throughput.add_stage_arguments(parser)
    arguments = parser.parse_args()
    plan, load = throughput.plan_of(arguments), throughput.load_of(arguments)
    machine_line, commit, records = machine.describe(BROKERS[plan.broker]), machine.commit(), []
    with Stage(plan) as stage:
        add_customers(stage.settings.require_database_url(), stage.cursor, load.customers)
        if arguments.rates:
            throughput.prepare(stage, replace(load, events=PREPARATION_EVENTS), arguments.workers)
        else:
            arguments.rates = [
                throughput.measure(stage, load, arguments.workers)["events_per_second"] / 2
            ]
        for number, rate in enumerate(arguments.rates):
            figures = measure(
                stage,
                replace(load, seed=load.seed + 100 * number),
                rate,
                arguments.seconds,
                arguments.producers,
            )
            inputs = {"workers": arguments.workers, **asdict(plan), **asdict(load), "rate": rate}
            records.append(
                Record(
                    benchmark="latency",
                    inputs=inputs,
                    figures=figures,
                    machine=machine_line,
                    commit=commit,
                )
            )
            print(section(records, COLUMNS), flush=True)
    if arguments.write:
        for record in records:
            append(PATH, record)
        put_section(PAGE, "latency", section(records, COLUMNS))


if __name__ == "__main__":
    run_command(main)
