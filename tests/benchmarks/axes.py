"""Along which axes growth is measured, and how each is shown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmarks.results import chosen, figure, newest
from benchmarks.svg import Panel, Series, XAxis, chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Column, Record


class Axis(NamedTuple):
    """One axis.

    Attributes:
        name: of the input that varies, one of BASE.
        title: for chart and table, unit included.
        values: the points.
        logarithmic: whether the chart's x axis is.
        form: of the values in the table.
    """

    name: str
    title: str
    values: tuple[float, ...]
    logarithmic: bool = False
    form: str = ",.0f"

    @property
    def benchmark(self) -> str:
        """The name of its records, and of its section in the page."""
        return f"growth {self.name}"


BASE = {
    "customers": 100_000,
    "sites": 300,
    "partitions": 8,
    "event_bytes": 0,
    "late_share": 0.0,
    "duplicate_share": 0.0,
    "days": 0,
}
"""What the inputs are while another one varies. The tables always hold rows of all customers."""

AXES = {
    axis.name: axis
    for axis in (
        Axis("customers", "customers in the tables", (1e4, 1e5, 1e6, 1e7), logarithmic=True),
        Axis("sites", "sites", (10, 100, 1_000, 10_000), logarithmic=True),
        Axis("partitions", "partitions of each topic", (1, 2, 4, 8, 16, 32, 64), logarithmic=True),
        Axis("event_bytes", "bytes an event", (330, 1_000, 3_000, 10_000), logarithmic=True),
        Axis(
            "late_share",
            "share of events up to thirty days late",
            (0.0, 0.05, 0.2, 0.5),
            form=".0%",
        ),
        Axis("duplicate_share", "share of repeated events", (0.0, 0.05, 0.2, 0.5), form=".0%"),
        Axis("days", "days of history, of 10,000 events each", (0, 7, 30, 90)),
    )
}


def points(records: Sequence[Record], axis: Axis) -> list[Record]:
    """The newest comparable records of an axis, in its order."""
    return sorted(
        newest(records, axis.benchmark), key=lambda record: float(record.inputs[axis.name])
    )


def columns(axis: Axis) -> tuple[Column, ...]:
    """The table of an axis."""
    return (
        chosen(axis.title, axis.name, axis.form),
        figure("events/s", "events_per_second"),
        figure("events/s, complete", "complete_events_per_second"),
        figure("p50 at half load, ms", "p50_ms"),
        figure("p99 at half load, ms", "p99_ms"),
        figure("peak memory of the worker, MiB", "worker_peak_mebibytes"),
        figure("worker, µs an event", "worker_microseconds", ".1f"),
        figure("PostgreSQL, µs an event", "postgres_microseconds", ".1f"),
    )


def picture(records: Sequence[Record], axis: Axis) -> str:
    """The chart of an axis, from its points."""

    def series(name: str, key: str) -> Series:
        measured = [record for record in records if key in record.figures]
        return Series(
            name, [(float(record.inputs[axis.name]), record.figures[key]) for record in measured]
        )

    panels = (
        Panel("events/s", [series("", "events_per_second")]),
        Panel("ms until visible, half load", [series("p99", "p99_ms"), series("p50", "p50_ms")]),
        Panel("MiB, one worker", [series("", "worker_peak_mebibytes")]),
    )
    ticks = [float(record.inputs[axis.name]) for record in records]
    return chart(
        f"Throughput, delay and memory against {axis.title}",
        XAxis(axis.title, ticks, axis.logarithmic),
        panels,
    )
