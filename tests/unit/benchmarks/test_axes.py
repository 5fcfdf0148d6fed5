from __future__ import annotations

import xml.etree.ElementTree as ET

from benchmarks.axes import AXES, BASE, columns, picture, points
from benchmarks.growth import missing
from benchmarks.results import Record, section

CUSTOMERS = AXES["customers"]


def record(
    customers: float, rate: float, commit: str = "c2", benchmark: str = CUSTOMERS.benchmark
) -> Record:
    inputs = BASE | {"customers": int(customers)}
    return Record(
        benchmark=benchmark,
        inputs=inputs,
        figures={"events_per_second": rate},
        machine="m",
        commit=commit,
        command="make it",
    )


def test_every_axis_varies_an_input_of_the_base() -> None:
    """Each axis has a base value, and its points are in order; a logarithmic one has no zero."""
    assert AXES.keys() == BASE.keys()
    assert all(list(axis.values) == sorted(axis.values) for axis in AXES.values())
    assert all(min(axis.values) > 0 for axis in AXES.values() if axis.logarithmic)


def test_only_what_is_missing_is_measured_again() -> None:
    """A run that was broken off goes on.

    Points of this machine and commit are not repeated, those of others are.
    """
    records = [
        record(1e4, 1.0),
        record(1e5, 2.0, commit="c1"),
        record(1e6, 3.0, benchmark="growth sites"),
        record(1e7, 4.0),
    ]
    assert missing(records, CUSTOMERS, "m", "c2") == [1e5, 1e6]


def test_the_points_of_an_axis_are_in_its_order() -> None:
    """However the points were measured, table and chart go from left to right."""
    found = points([record(1e6, 3.0), record(1e4, 1.0), record(1e5, 2.0)], CUSTOMERS)
    assert [each.figures["events_per_second"] for each in found] == [1.0, 2.0, 3.0]
    assert [
        line.split(" | ")[0] for line in section(found, columns(CUSTOMERS)).splitlines()[-3:]
    ] == [
        "| 10,000",
        "| 100,000",
        "| 1,000,000",
    ]


def test_a_chart_shows_what_was_measured_and_nothing_else() -> None:
    """Delays that were left out leave their panel empty; they are not drawn as zero."""
    root = ET.fromstring(
        picture(points([record(1e4, 1.0), record(1e5, 2.0)], CUSTOMERS), CUSTOMERS)
    )
    drawn = [
        element.attrib["points"] for element in root.iter("{http://www.w3.org/2000/svg}polyline")
    ]
    assert [len(line.split()) for line in drawn] == [2, 0, 0, 0]
