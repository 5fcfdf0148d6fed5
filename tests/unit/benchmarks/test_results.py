from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.results import Record, append, chosen, figure, newest, read, section

if TYPE_CHECKING:
    from pathlib import Path


def record(workers: int, rate: float, commit: str = "c2", benchmark: str = "throughput") -> Record:
    return Record(
        benchmark=benchmark,
        inputs={"workers": workers},
        figures={"rate": rate},
        machine="m",
        commit=commit,
        command="make bench",
    )


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    """A file of results grows by a line for each record.

    Its folder is made if it is missing.
    """
    path = tmp_path / "new" / "results.jsonl"
    assert read(path) == []
    kept = [record(1, 100.0), record(2, 180.0)]
    for each in kept:
        append(path, each)
    assert read(path) == kept


def test_only_comparable_results_stand_together() -> None:
    """Results of another commit or machine are left out.

    Of the same inputs the newest counts.
    """
    records = [
        record(1, 1.0, commit="c1"),
        record(1, 2.0),
        record(2, 3.0),
        record(1, 4.0),
        record(1, 9.0, benchmark="soak"),
    ]
    assert [
        (each.inputs["workers"], each.figures["rate"]) for each in newest(records, "throughput")
    ] == [(1, 4.0), (2, 3.0)]
    assert newest(records, "latency") == []


def test_a_section_says_how_it_was_measured() -> None:
    """Date, commit, machine and command stand above the table.

    What was not measured is a dash and no zero.
    """
    columns = (
        chosen("workers", "workers"),
        figure("events/s", "rate"),
        figure("p99, ms", "p99_ms"),
    )
    shown = section([record(1, 31_000.4), record(2, 40_000.0)], columns).splitlines()
    assert shown[0].startswith("Measured on 2")
    assert shown[0].endswith("at commit c2 on m, by")
    assert shown[2:] == [
        "    make bench",
        "",
        "| workers | events/s | p99, ms |",
        "|---|---:|---:|",
        "| 1 | 31,000 | — |",
        "| 2 | 40,000 | — |",
    ]
