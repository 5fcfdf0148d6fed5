from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.machine import describe, processor_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_machine_is_one_line_with_all_that_matters() -> None:
    """Whoever reads a figure can see on what it was measured."""
    line = describe("Some Broker 1")
    assert "\n" not in line
    assert all(
        part in line
        for part in ("processors (", "GiB", "Python 3.", "PostgreSQL 1", "Some Broker 1")
    )


def test_the_processor_has_its_name(tmp_path: Path) -> None:
    """Linux tells it in /proc/cpuinfo; elsewhere its kind must do."""
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: Fast One\n", encoding="utf-8")
    assert processor_model(told) == "Fast One"
    assert processor_model(tmp_path / "missing")
