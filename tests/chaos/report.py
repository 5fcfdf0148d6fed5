"""Prints the table of faults from what recipes measured.

Run it as `python tests/chaos/report.py FILE`, where FILE is what VOC_CHAOS_REPORT named.

Several runs may have written to the file; the table shows the median and the longest recovery of
each fault.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = (
    "recipe",
    "fault",
    "what was done",
    "what held beside all tables",
    "recovery: median (longest), runs",
)


def table(lines: Iterable[str]) -> Iterator[str]:
    """The lines of the Markdown table.

    >>> line = '{"recipe": "R2", "fault": "cut", "done": "a", "held": "b", "seconds": %s}'
    >>> list(table([line % 1.0, line % 2.0, line % 4.0]))[-1]
    '| R2 | cut | a | b | 2.0 s (4.0 s), 3 |'
    """
    runs: defaultdict[tuple[str, ...], list[float | None]] = defaultdict(list)
    for line in lines:
        entry: dict[str, Any] = json.loads(line)
        runs[entry["recipe"], entry["fault"], entry["done"], entry["held"]].append(entry["seconds"])
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for key, seconds in sorted(runs.items(), key=lambda item: int(item[0][0][1:])):
        yield f"| {' | '.join((*key, _summary(seconds)))} |"


def _summary(seconds: list[float | None]) -> str:
    measured = [each for each in seconds if each is not None]
    if not measured:
        return f"nothing to recover, {len(seconds)}"
    return f"{statistics.median(measured):.1f} s ({max(measured):.1f} s), {len(measured)}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/chaos/report.py FILE")
    with Path(sys.argv[1]).open(encoding="utf-8") as report:
        sys.stdout.writelines(f"{line}\n" for line in table(report))
