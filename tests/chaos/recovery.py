"""What a recipe measured.

One line of JSON each in the file that VOC_CHAOS_REPORT names, from which `report.py` makes the
table.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

VARIABLE = "VOC_CHAOS_REPORT"


class Recovery(NamedTuple):
    """One fault and how it went.

    Attributes:
        recipe: R1 to R21.
        fault: what failed, in a few words.
        done: what the test did.
        held: what was asserted beside the tables.
        seconds: from the end of the fault (for a kill: from the kill) until the tables moved on;
            None if nothing had to recover.
    """

    recipe: str
    fault: str
    done: str
    held: str
    seconds: float | None


def note(recovery: Recovery) -> None:
    """Print it, and append it to the report where one is asked for."""
    took = "" if recovery.seconds is None else f": recovered after {recovery.seconds:.1f} s"
    print(f"{recovery.recipe} {recovery.fault}{took}")  # noqa: T201  pytest shows it with -s and with a failure
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a", encoding="utf-8") as report:
            report.write(json.dumps(recovery._asdict(), ensure_ascii=False) + "\n")
