"""Reads rows of a file of cells, and says of each that is wrong where and why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from voc_stream.churn_model.cells import Cell, CellKey
from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS = ("band", "signals", "leavers", "exposure_months")
MOST_BANDS = 100


class CellsError(VocError):
    """A file of cells has a row that is none."""

    exit_code = 2


def cells_of_rows(rows: Iterable[tuple[int, Mapping[str | None, object]]]) -> Sequence[Cell]:
    """The cells of rows, each with the number of its line.

    `band` may be absent, which is band 0; `signals` are names with spaces between them. Raises
    CellsError.

    >>> row = {"signals": "complaint", "leavers": "3", "exposure_months": "41.5"}
    >>> cells_of_rows([(2, row)])[0].leavers
    3
    """
    found = [_cell(line, row) for line, row in rows]
    if not found:
        raise CellsError("the file holds no cell: give it a row for each set of signals")
    return found


def _cell(line: int, row: Mapping[str | None, object]) -> Cell:
    missing = [name for name in COLUMNS[1:] if row.get(name) is None]
    if missing or None in row:
        raise CellsError(
            f"line {line}: a row needs the columns {', '.join(COLUMNS[1:])}, and may have band; "
            + (f"{missing[0]} is missing" if missing else "this one has more cells than columns")
        )
    band = _number(line, "band", row.get("band") or "0")
    leavers = _number(line, "leavers", row["leavers"])
    months = _number(line, "exposure_months", row["exposure_months"])
    if band != int(band) or band >= MOST_BANDS:
        raise CellsError(f"line {line}: band is {band:g}; it must be a whole number below 100")
    if leavers != int(leavers):
        raise CellsError(f"line {line}: leavers is {leavers:g}; it must be a whole number")
    if leavers and not months:
        raise CellsError(f"line {line}: {leavers:g} left, but nobody was there for any time")
    key = CellKey(int(band), frozenset(str(row["signals"]).split()))
    return Cell(key, int(leavers), months)


def _number(line: int, name: str, text: object) -> float:
    try:
        number = float(str(text))
    except ValueError:
        number = math.nan
    if not (0 <= number < math.inf):
        raise CellsError(f"line {line}: {name} is {text!r}; it must be a number, 0 or more")
    return number
