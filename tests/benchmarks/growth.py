"""`make bench-growth`: throughput, delay at half load and memory of one worker.

One thing grows and all others stay. Each point has a stage of its own, whose tables hold all its
customers before anything is sent. A point is kept in docs/reference/benchmarks/results.jsonl as
soon as it is measured. What stands there for this machine and commit is not measured again, so a
run that was broken off goes on.
A point takes about a minute and a half, most of it to prepare. Ten million customers take some
minutes and 10 GB of temporary space.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import latency, machine, throughput
from benchmarks.axes import AXES, BASE, Axis, columns, picture, points
from benchmarks.history import add_customers, add_days
from benchmarks.load import Load
from benchmarks.results import PAGE, PATH, Record, append, read, section
from benchmarks.stage import BROKERS, BenchmarkError, Plan, Stage

from voc_stream.published.markdown import put_section

if TYPE_CHECKING:
    from collections.abc import Sequence


def measure(inputs: dict[str, Any], broker: str, events: int, seconds: float) -> dict[str, float]:
    """Measure one point; `seconds` of delays, none for 0. Raises BenchmarkError."""
    names = ("customers", "sites", "event_bytes", "late_share", "duplicate_share")
    load = Load(events=events, **{name: inputs[name] for name in names})
    with Stage(Plan(broker=broker, partitions=inputs["partitions"])) as stage:
        url = stage.settings.require_database_url()
        add_customers(url, stage.cursor, load.customers)
        add_days(url, stage.cursor, inputs["days"], load.sites, load.customers)
        figures = throughput.measure(stage, load, workers=1)
        if seconds:
            figures |= latency.measure(stage, load, figures["events_per_second"] / 2, seconds)
    return figures


def missing(records: Sequence[Record], axis: Axis, machine_line: str, commit: str) -> list[float]:
    """The points of an axis that were not yet measured here at this commit. Pure."""
    done = {
        float(record.inputs[axis.name])
        for record in records
        if (record.benchmark, record.machine, record.commit)
        == (axis.benchmark, machine_line, commit)
    }
    return [value for value in axis.values if value not in done]


def main() -> None:
    """Measure what is missing of the axes that the arguments name."""
    arguments = _arguments()
    machine_line, commit, failed = (
        machine.describe(BROKERS[arguments.broker]),
        machine.commit(),
        False,
    )
    for axis in arguments.only:
        wanted = (
            axis.values
            if arguments.again
            else missing(read(arguments.results), axis, machine_line, commit)
        )
        for value in wanted:
            if value > arguments.at_most:
                continue
            inputs = BASE | {axis.name: type(BASE[axis.name])(value)}
            print(f"{axis.title}: {value:,g} ...", flush=True)
            try:
                figures = measure(inputs, arguments.broker, arguments.events, arguments.seconds)
            except BenchmarkError as error:
                print(f"{axis.title} {value:,g}: {error}", file=sys.stderr)
                failed = True
                continue
            record = Record(
                benchmark=axis.benchmark,
                inputs=inputs,
                figures=figures,
                machine=machine_line,
                commit=commit,
            )
            append(arguments.results, record)
        found = points(read(arguments.results), axis)
        if found:
            print(section(found, columns(axis)), flush=True)
    if arguments.write:
        draw(read(arguments.results), arguments.only)
    sys.exit(failed)


def draw(records: Sequence[Record], axes: Sequence[Axis]) -> None:
    """Put the tables of axes into the page, and their charts beside the results."""
    for axis in axes:
        found = points(records, axis)
        if found:
            file = PATH.parent / f"{axis.name.replace('_', '-')}.svg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(picture(found, axis), encoding="utf-8")
            put_section(
                PAGE,
                axis.benchmark,
                f"{section(found, columns(axis))}\n\n![The same as a"
                f" chart](benchmarks/{file.name})",
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench-growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        type=_axes,
        default=list(AXES.values()),
        help="names with commas between; all: " + ", ".join(AXES),
    )
    parser.add_argument("--broker", choices=sorted(BROKERS), default="embedded")
    parser.add_argument(
        "--events", type=int, default=200_000, help="of the throughput of each point"
    )
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="of the delays of each point; 0 leaves them out"
    )
    parser.add_argument(
        "--at-most", type=float, default=float("inf"), help="leave out greater values than this"
    )
    parser.add_argument(
        "--again", action="store_true", help="measure also what was measured at this commit"
    )
    parser.add_argument("--results", type=Path, default=PATH, help="where points are kept")
    parser.add_argument("--write", action="store_true", help="put tables and charts into docs")
    return parser.parse_args()


def _axes(names: str) -> list[Axis]:
    unknown = [name for name in names.split(",") if name not in AXES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"there is no axis {', '.join(unknown)}; the axes are {', '.join(AXES)}"
        )
    return [AXES[name] for name in names.split(",")]


if __name__ == "__main__":
    main()
