from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from benchmarks.svg import Panel, Series, XAxis, chart, nice_ticks
from hypothesis import given
from hypothesis import strategies as st

AXIS = XAxis("customers in the tables", (1e4, 1e5, 1e6, 1e7), logarithmic=True)
PANELS = (
    Panel("events/s", [Series("", [(1e4, 30_000.0), (1e5, 29_000.0), (1e7, 26_000.0)])]),
    Panel("ms < 1 s", [Series("p99", [(1e4, 200.0)]), Series("p50", [(1e4, 90.0)])]),
)


@given(st.floats(1e-3, 1e9))
def test_ticks_hold_the_highest_value(highest: float) -> None:
    """Ticks begin at zero, end at or above the highest value, and are few."""
    ticks = nice_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-1] >= highest * (1 - 1e-9)
    assert 2 <= len(ticks) <= 6


def test_a_chart_is_xml_with_all_titles() -> None:
    """Whatever stands in a title, the picture can be parsed.

    Axis titles and the names of several lines are shown.
    """
    texts = [
        element.text
        for element in ET.fromstring(chart("Growth & more", AXIS, PANELS)).iter(
            "{http://www.w3.org/2000/svg}text"
        )
    ]
    assert {
        "Growth & more",
        "customers in the tables",
        "events/s",
        "ms < 1 s",
        "p99",
        "p50",
        "10,000,000",
    } <= set(texts)


def test_points_stand_at_their_values() -> None:
    """On a logarithmic axis equal factors are equal distances.

    A value twice as high is twice as far from the axis.
    """
    panel = Panel("y", [Series("", [(1e4, 10.0), (1e5, 20.0), (1e6, 40.0)])])
    root = ET.fromstring(chart("t", XAxis("x", (1e4, 1e5, 1e6), logarithmic=True), [panel]))
    [line] = root.iter("{http://www.w3.org/2000/svg}polyline")
    places = [tuple(map(float, place.split(","))) for place in line.attrib["points"].split()]
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.2)
    bottom = max(
        float(each.attrib["y1"])
        for each in root.iter("{http://www.w3.org/2000/svg}line")
        if each.attrib["class"] == "axis"
    )
    assert (bottom - places[2][1]) / (bottom - places[0][1]) == pytest.approx(4.0, rel=0.01)


def test_a_single_point_stands_in_the_middle() -> None:
    """One measured value makes a chart, too."""
    assert XAxis("x", (5.0,)).place(5.0) == 0.5
