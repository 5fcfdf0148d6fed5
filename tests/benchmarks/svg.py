"""Line charts as plain SVG text: panels below each other over one x axis, every y axis from zero.

Pure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, PANEL_HEIGHT = 640, 190
LEFT, RIGHT, TOP, GAP, BOTTOM = 90, 40, 40, 34, 56
TICKS = 4
COLOURS = ("#1f5fa8", "#c4561b", "#2f7d32", "#7a3e9d")  # dark enough for white paper
STYLE = (
    "text{font:12px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}"
    ".grid{stroke:#ddd}.axis{stroke:#444}.line{fill:none;stroke-width:2}"
)
Point = tuple[float, float]


class Series(NamedTuple):
    """A line; the name is shown where a panel has several."""

    name: str
    points: Sequence[Point]


class Panel(NamedTuple):
    """One y axis with its title, unit included, and the lines over it."""

    title: str
    series: Sequence[Series]


class XAxis(NamedTuple):
    """The x axis: its title, its ticks, and whether it is logarithmic.

    The title has the unit. On a logarithmic axis nothing may be 0.
    """

    title: str
    ticks: Sequence[float]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """From 0 (the first tick) to 1 (the last)."""
        low, high = self.ticks[0], self.ticks[-1]
        if high == low:
            return 0.5
        if self.logarithmic:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)


def chart(title: str, x_axis: XAxis, panels: Sequence[Panel]) -> str:
    """The picture as an SVG document."""
    height = TOP + len(panels) * (PANEL_HEIGHT + GAP) - GAP + BOTTOM
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' aria-label="{escape(title)}">'
        ),
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(WIDTH / 2, 22, title, "middle", "title"),
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, x_axis, TOP + number * (PANEL_HEIGHT + GAP))
    bottom = height - BOTTOM
    parts += [_text(_x(x_axis, tick), bottom + 18, label(tick), "middle") for tick in x_axis.ticks]
    parts += [_text((LEFT + WIDTH - RIGHT) / 2, bottom + 42, x_axis.title, "middle"), "</svg>"]
    return "\n".join(parts) + "\n"


def nice_ticks(highest: float, count: int = TICKS) -> list[float]:
    """Round values from 0 to at least `highest`, about `count` steps.

    Steps are 1, 2 or 5 times a power of ten.

    >>> nice_ticks(34_000.0), nice_ticks(0.7)
    ([0.0, 10000.0, 20000.0, 30000.0, 40000.0], [0.0, 0.2, 0.4, 0.6, 0.8])
    """
    if highest <= 0:
        return [0.0, 1.0]
    magnitude = 10.0 ** math.floor(math.log10(highest / count))
    step = next(
        magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor * count >= highest
    )
    return [round(step * number, 12) for number in range(math.ceil(highest / step) + 1)]


def label(value: float) -> str:
    """A number at an axis.

    >>> label(10_000.0), label(0.05), label(2.5)
    ('10,000', '0.05', '2.5')
    """
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _panel(panel: Panel, x_axis: XAxis, top: float) -> list[str]:
    bottom = top + PANEL_HEIGHT
    ticks = nice_ticks(max((y for series in panel.series for _, y in series.points), default=0.0))

    def place(value: float) -> float:
        return bottom - PANEL_HEIGHT * value / ticks[-1]

    parts = []
    for tick in ticks:
        parts.append(
            _line(LEFT, place(tick), WIDTH - RIGHT, place(tick), "axis" if tick == 0 else "grid")
        )
        parts.append(_text(LEFT - 8, place(tick) + 4, label(tick), "end"))
    parts += [
        _line(_x(x_axis, tick), bottom, _x(x_axis, tick), bottom + 4, "axis")
        for tick in x_axis.ticks
    ]
    parts += [_line(LEFT, top, LEFT, bottom, "axis")]
    middle = (top + bottom) / 2
    parts.append(
        f'<text x="16" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 16'
        f' {middle:.0f})">{escape(panel.title)}</text>'
    )
    for number, series in enumerate(panel.series):
        colour = COLOURS[number % len(COLOURS)]
        places = [(_x(x_axis, x), place(y)) for x, y in series.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        if len(places) <= len(x_axis.ticks):
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places
            ]
        if len(panel.series) > 1:
            parts.append(
                f'<text x="{LEFT + 10 + 110 * number}" y="{top + 12:.0f}"'
                f' style="fill:{colour}">{escape(series.name)}</text>'
            )
    return parts


def _x(x_axis: XAxis, value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * x_axis.place(value)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    given = f' class="{kind}"' if kind else ""
    return f'<text{given} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
