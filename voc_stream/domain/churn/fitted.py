"""Holds the numbers of a fitted model, as risks need them."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FittedNumbers(NamedTuple):
    """What a fitted model says, in the place of the numbers of a catalogue.

    Attributes:
        version: of the model.
        hazards_per_month: by band of tenure, of a customer without signals.
        multipliers: of the hazard, by signal.
        level, slope: the line that makes risks true over the catalogue's horizon;
            log(cumulative hazard) = level + slope x log(stated cumulative hazard).
    """

    version: str
    hazards_per_month: Sequence[float]
    multipliers: Mapping[str, float]
    level: float = 0.0
    slope: float = 1.0


def calibrated(numbers: FittedNumbers, months: float) -> FittedNumbers:
    """The same risks over so many months, as numbers that need no line.

    The slope scales the logarithm of each number alike, and the level joins the hazards. So the
    logarithms still add up.

    >>> line = FittedNumbers("v", [0.01], {"complaint": 4.0}, level=0.0, slope=0.5)
    >>> straight = calibrated(line, 1.0)
    >>> [round(one, 6) for one in straight.hazards_per_month], straight.multipliers
    ([0.1], {'complaint': 2.0})
    """
    level, slope = numbers.level, numbers.slope
    added = level + (slope - 1) * log(months)
    return FittedNumbers(
        numbers.version,
        [exp(added + slope * log(hazard)) for hazard in numbers.hazards_per_month],
        {name: exp(slope * log(value)) for name, value in numbers.multipliers.items()},
    )
