from __future__ import annotations

import pytest
from benchmarks.axes import AXES
from benchmarks.results import PAGE

from voc_stream.published.markdown import replace_section

SECTIONS = [
    "throughput",
    "workers",
    "own processor",
    "latency",
    "soak",
    "chores",
    "scale",
    "peers",
    *(axis.benchmark for axis in AXES.values()),
]


@pytest.mark.parametrize("name", SECTIONS)
def test_every_benchmark_has_its_place(name: str) -> None:
    """A command learns at its start that the page lacks its section.

    Not at its end, when it has measured for an hour.
    """
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(f"<!-- {name}: begin -->") == 1
    assert "measured" in replace_section(page, name, "measured")
