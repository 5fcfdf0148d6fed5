"""Counts what the churn model learns from: how long customers stayed, and how many of them left.

A cell holds all the time that customers spent in one band of tenure with one set of signals. Cells
are sums, so they add up over partitions, months and servers, and in any order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DAYS_A_MONTH = 365.25 / 12


class CellKey(NamedTuple):
    """What the customers of a cell have in common.

    Attributes:
        band: the number of the band of tenure, from 0.
        signals: the names of the signals that they had.
    """

    band: int
    signals: frozenset[str]


class Cell(NamedTuple):
    """What customers of one band and one set of signals did.

    Attributes:
        key: band and signals.
        leavers: how many left.
        exposure_months: how long they stayed, all together.
    """

    key: CellKey
    leavers: int
    exposure_months: float


def added_up(cells: Iterable[Cell]) -> Sequence[Cell]:
    """One cell for each key, in the order of their keys.

    >>> new = CellKey(0, frozenset())
    >>> added_up([Cell(new, 1, 2.5), Cell(new, 2, 0.5)])[0][1:]
    (3, 3.0)
    """
    leavers: Mapping[CellKey, list[int]] = defaultdict(list)
    exposures: Mapping[CellKey, list[float]] = defaultdict(list)
    for cell in cells:
        leavers[cell.key].append(cell.leavers)
        exposures[cell.key].append(cell.exposure_months)
    # Sorted, since sums of floats depend on their order.
    return [
        Cell(key, sum(leavers[key]), sum(sorted(exposures[key])))
        for key in sorted(leavers, key=lambda key: (key.band, sorted(key.signals)))
    ]
