"""What was measured, kept as one JSON object a line in a file that is committed.

Tables and charts are made from it.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks import machine

from voc_stream.published.markdown import table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PATH = machine.ROOT / "docs" / "reference" / "benchmarks" / "results.jsonl"
PAGE = machine.ROOT / "docs" / "reference" / "performance.md"

Column = tuple[str, "Callable[[Record], str]"]
"""A title, and what a record shows below it."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measured point.

    Attributes:
        benchmark: its name, such as `growth customers`; the records of one benchmark make one
            table.
        inputs: what was chosen.
        figures: what was measured; units stand in the names.
        machine: see `machine.describe`.
        commit: see `machine.commit`.
        measured_at: moment, RFC 3339.
        command: what repeats it.
    """

    benchmark: str
    inputs: Mapping[str, Any]
    figures: Mapping[str, float]
    machine: str
    commit: str
    measured_at: str = field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds")
    )
    command: str = field(default_factory=lambda: command_line(sys.argv))


def command_line(arguments: Sequence[str]) -> str:
    """How this run is repeated from a terminal in the repository.

    >>> command_line(["/there/tests/benchmarks/soak.py", "--minutes", "60"])
    'make bench-soak ARGS="--minutes 60"'
    >>> command_line(["/there/tests/benchmarks/throughput.py"])
    'make bench'
    >>> command_line(["/there/tests/benchmarks/peers/__main__.py"])
    'make bench-peers'
    """
    module = arguments[0].removesuffix("/__main__.py").rpartition("/")[2].removesuffix(".py")
    target = "bench" if module == "throughput" else f"bench-{module}"
    return (
        f'make {target} ARGS="{shlex.join(arguments[1:])}"' if arguments[1:] else f"make {target}"
    )


def append(path: Path, record: Record) -> None:
    """Add a record to a file, which need not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(record)) + "\n")


def read(path: Path) -> list[Record]:
    """All records of a file, oldest first; none where there is no file."""
    if not path.exists():
        return []
    return [Record(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def newest(records: Sequence[Record], benchmark: str) -> list[Record]:
    """The records of a benchmark that can be compared with its newest one.

    Same machine, same commit; the newest of equal inputs.
    """
    of_benchmark = [record for record in records if record.benchmark == benchmark]
    if not of_benchmark:
        return []
    last = of_benchmark[-1]
    comparable = [
        record
        for record in of_benchmark
        if (record.machine, record.commit) == (last.machine, last.commit)
    ]
    return list(
        {json.dumps(record.inputs, sort_keys=True): record for record in comparable}.values()
    )


def section(records: Sequence[Record], columns: Sequence[Column]) -> str:
    """What a page shows of comparable records.

    When, where and how they were measured, and a table with a row for each.
    """
    last = records[-1]
    measured = measured_by(
        last.machine,
        last.commit,
        *dict.fromkeys(record.command for record in records),
        day=last.measured_at[:10],
    )
    rows = [[show(record) for _, show in columns] for record in records]
    return "\n".join([*measured, "", table([title for title, _ in columns], rows)])


def measured_by(machine: str, commit: str, *commands: str, day: str | None = None) -> list[str]:
    """The lines before a table.

    When (today, unless `day` is given), where and how it was measured.
    """
    day = f"{datetime.now(UTC):%Y-%m-%d}" if day is None else day
    return [
        f"Measured on {day} at commit {commit} on {machine}, by",
        "",
        *(f"    {command}" for command in commands),
    ]


def figure(title: str, name: str, form: str = ",.0f") -> Column:
    """A column with one figure; a dash where it was not measured."""
    return (
        title,
        lambda record: format(record.figures[name], form) if name in record.figures else "—",
    )


def chosen(title: str, name: str, form: str = ",") -> Column:
    """A column with one input."""
    return title, lambda record: format(record.inputs[name], form)
