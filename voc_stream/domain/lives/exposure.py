"""Counts of a customer's life what the churn model learns from: time, and whether it ended.

Time is divided by month, band of tenure and set of signals, so sums over customers are cells of the
model. Time that goes on is not counted; whoever fits a model adds it until the moment of the fit.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.moment import MICROSECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from voc_stream.domain.lives.walk import Step

GAP = timedelta(days=1)
"""What happens on a customer's last day may be the leaving itself: it does not count as its cause.
A customer counts as gone a day before, with the signals of then."""
COUNTED_FROM = datetime(2000, 1, 1, tzinfo=UTC)
"""Time before is not counted: a wrong year must not make thousands of cells."""
DECEMBER = 12


class CellOf(NamedTuple):
    """A cell: first day of a month in UTC, band of tenure, bits of signals."""

    month: date
    tenure: int
    signals: int


class Exposure(NamedTuple):
    """How long customers were in a cell, and how many left from it."""

    microseconds: int
    leavers: int


def exposure_of(steps: Sequence[Step]) -> Mapping[CellOf, Exposure]:
    """The time and the departures of the steps that have ended, by cell.

    Somebody who came less than a day before leaving is in no cell: nothing can be told of then.
    """
    found: dict[CellOf, Exposure] = {}
    for stay in _stays(steps):
        counts_until = stay[-1].until
        if counts_until is not None and stay[-1].left:
            counts_until -= GAP
        for step in stay:
            if step.until is None or counts_until is None or step.since >= counts_until:
                break
            until = min(step.until, counts_until)
            leaves = stay[-1].left and step.until >= counts_until
            _add(found, step, until, leaves=leaves)
    return found


def _stays(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps between a coming and a leaving, the last of which may go on."""
    stay: list[Step] = []
    for step in steps:
        stay.append(step)
        if step.left:
            yield stay
            stay = []
    ended = [step for step in stay if step.until is not None]
    if ended:
        yield ended


def _add(found: dict[CellOf, Exposure], step: Step, until: datetime, *, leaves: bool) -> None:
    since = max(step.since, COUNTED_FROM)
    while since < until:
        month = since.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = min(until, _next_month(month))
        cell = CellOf(month.date(), step.said.tenure, step.said.signals)
        before = found.get(cell, Exposure(0, 0))
        left = leaves and end == until
        found[cell] = Exposure(
            before.microseconds + (end - since) // MICROSECOND, before.leavers + left
        )
        since = end


def _next_month(month: datetime) -> datetime:
    if month.month == DECEMBER:
        return month.replace(year=month.year + 1, month=1)
    return month.replace(month=month.month + 1)
