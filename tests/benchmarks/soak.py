"""What `make bench-soak` measures.

One worker under a steady load for long: does its memory grow, do the tables swell, does it fall
behind?

Looks every few seconds. The memory's slope is that of the least-squares line through all looks
after the warm-up.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import machine, throughput
from benchmarks.figures import per_hour, percentile
from benchmarks.load import Load
from benchmarks.processes import MEBIBYTE
from benchmarks.producers import Producers
from benchmarks.results import PAGE, PATH, Record, append, figure, section
from benchmarks.stage import BROKERS, BenchmarkError, Stage, run_command
from benchmarks.svg import Panel, Series, XAxis, chart, nice_ticks

from voc_stream.kafka.log_reader import read_log_ends
from voc_stream.published.markdown import put_section

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERVAL_SECONDS = 10.0
WARM_UP_SHARE, LONGEST_WARM_UP_SECONDS = 0.2, 600.0
BEHIND_SECONDS = 120.0
PREPARATION_EVENTS = 50_000
SWELLING = (
    "customer_move",
    "increment",
    "churn_pending",
    "stream_position",
    "rolling_sum",
)
"""Tables whose rows are changed or removed all the time."""
COLUMNS = (
    figure("minutes", "minutes"),
    figure("events/s", "rate"),
    figure("memory after warm-up, MiB", "first_mebibytes"),
    figure("at the end, MiB", "last_mebibytes"),
    figure("peak, MiB", "peak_mebibytes"),
    figure("slope, MiB/h", "mebibytes_per_hour", "+.2f"),
    figure("slope, last half, MiB/h", "last_half_mebibytes_per_hour", "+.2f"),
    figure("lag p50, events", "lag_p50_events"),
    figure("longest lag, events", "lag_longest_events"),
    figure("dead rows in queues and sums, most", "dead_rows"),
    figure("queues and sums, MiB, most", "swelling_mebibytes", ",.1f"),
    figure("catalogue at start, MiB", "catalogue_first_mebibytes", ",.1f"),
    figure("at the end, MiB", "catalogue_last_mebibytes", ",.1f"),
)


class Look(NamedTuple):
    """What one look saw; seconds since the start, bytes, rows and events."""

    seconds: float
    memory_bytes: int
    lag_events: int
    dead_rows: int
    swelling_bytes: int
    catalogue_bytes: int


def look(stage: Stage, started: float) -> Look:
    """Look now."""
    taken_in = stage.taken_in()
    [memory_bytes] = stage.workers_processes().memory_bytes()
    names = ", ".join(f"'{name}'" for name in SWELLING)
    return Look(
        time.monotonic() - started,
        memory_bytes,
        max(0, sum(read_log_ends(stage.settings).values()) - taken_in),
        int(
            stage.number(
                f"SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname IN ({names})"
            )
        ),
        int(
            stage.number(
                f"SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables WHERE relname"
                f" IN ({names})"
            )
        ),
        # Temporary tables would leave dead rows here, were they made again and again.
        int(
            stage.number(
                "SELECT pg_total_relation_size('pg_attribute') + pg_total_relation_size('pg_class')"
            )
        ),
    )


def warm_up_seconds(seconds: float) -> float:
    """How much of a run of so many seconds is not counted."""
    return min(LONGEST_WARM_UP_SECONDS, WARM_UP_SHARE * seconds)


def summary(looks: Sequence[Look]) -> dict[str, float]:
    """The figures of a run. Pure. Raises ValueError for fewer than four looks after the warm-up."""
    counted = [each for each in looks if each.seconds >= warm_up_seconds(looks[-1].seconds)]
    if len(counted) < 4:
        raise ValueError(f"{len(counted)} looks after the warm-up tell nothing: run for longer")

    def slope(part: Sequence[Look]) -> float:
        return per_hour(
            [each.seconds for each in part], [each.memory_bytes / MEBIBYTE for each in part]
        )

    lags = [float(each.lag_events) for each in counted]
    return {
        "minutes": looks[-1].seconds / 60,
        "first_mebibytes": counted[0].memory_bytes / MEBIBYTE,
        "last_mebibytes": counted[-1].memory_bytes / MEBIBYTE,
        "mebibytes_per_hour": slope(counted),
        "last_half_mebibytes_per_hour": slope(counted[len(counted) // 2 :]),
        "lag_p50_events": percentile(lags, 0.5),
        "lag_longest_events": max(lags),
        "dead_rows": max(each.dead_rows for each in counted),
        "swelling_mebibytes": max(each.swelling_bytes for each in counted) / MEBIBYTE,
        "catalogue_first_mebibytes": counted[0].catalogue_bytes / MEBIBYTE,
        "catalogue_last_mebibytes": counted[-1].catalogue_bytes / MEBIBYTE,
    }


def picture(looks: Sequence[Look]) -> str:
    """Memory and lag over time."""
    minutes = [each.seconds / 60 for each in looks]
    memory = Series(
        "", [(at, each.memory_bytes / MEBIBYTE) for at, each in zip(minutes, looks, strict=True)]
    )
    lag = Series(
        "", [(at, float(each.lag_events)) for at, each in zip(minutes, looks, strict=True)]
    )
    axis = XAxis("minutes", nice_ticks(minutes[-1], 6))
    return chart(
        "One worker under a steady load",
        axis,
        (Panel("MiB resident", [memory]), Panel("events behind", [lag])),
    )


def measure(stage: Stage, load: Load, rate: float, seconds: float) -> list[Look]:
    """Load a stage that has one worker for so many seconds.

    Raises BenchmarkError if the worker cannot keep up in the end.
    """
    sent = stage.taken_in()
    looks = []
    with Producers(stage, load, rate, keep_notes=False) as sending:
        started = time.monotonic()
        while not sending.is_over():
            time.sleep(INTERVAL_SECONDS)
            stage.require_workers()
            looks.append(look(stage, started))
            if looks[-1].seconds > seconds + BEHIND_SECONDS:
                raise BenchmarkError(
                    f"the producer does not reach {rate:,.0f} events/s on this machine"
                )
        stage.wait_until(
            lambda: stage.taken_in() >= sent + sending.events,
            BEHIND_SECONDS,
            "the worker has fallen behind",
        )
    return looks


def main() -> None:
    """Run what the arguments say and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench-soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=2_000.0, help="events a second")
    throughput.add_stage_arguments(parser)
    parser.set_defaults(events=PREPARATION_EVENTS)
    arguments = parser.parse_args()
    plan, seconds = throughput.plan_of(arguments), 60 * arguments.minutes
    load = Load(
        events=int(arguments.rate * seconds), customers=arguments.customers, sites=arguments.sites
    )
    commit = machine.commit()  # another one may come while it runs
    with Stage(plan) as stage:
        throughput.prepare(stage, throughput.load_of(arguments), workers=1)
        looks = measure(stage, load, arguments.rate, seconds)
        figures = summary(looks) | {"rate": arguments.rate}
        figures["peak_mebibytes"] = max(stage.workers_processes().peak_memory_bytes()) / MEBIBYTE
    inputs = {**asdict(plan), **asdict(load), "rate": arguments.rate}
    machine_line = machine.describe(BROKERS[plan.broker])
    record = Record(
        benchmark="soak", inputs=inputs, figures=figures, machine=machine_line, commit=commit
    )
    print(section([record], COLUMNS))
    if arguments.write:
        append(PATH, record)
        put_section(
            PAGE,
            "soak",
            f"{section([record], COLUMNS)}\n\n![Memory and lag over time](benchmarks/soak.svg)",
        )
        (PATH.parent / "soak.svg").write_text(picture(looks), encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
