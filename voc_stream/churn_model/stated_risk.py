"""Says how likely a customer of a band leaves within some months, by a fitted model."""

from __future__ import annotations

from math import exp, expm1, log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voc_stream.churn_model.fit import Fit


class Calibration(NamedTuple):
    """A line that makes stated risks true for one horizon.

    log(cumulative hazard) = level + slope x log(stated cumulative hazard). The slope scales every
    driver alike, so drivers still add up. Level 0 and slope 1 change nothing.
    """

    level: float = 0.0
    slope: float = 1.0


AS_STATED = Calibration()


def hazard_per_month(model: Fit, band: int, signals: Iterable[str]) -> float:
    """The hazard of a customer: that of the band times the multipliers of its signals."""
    return model.hazards_per_month[band] * exp(sum(log(model.multipliers[one]) for one in signals))


def risk_of(hazard: float, months: float, calibration: Calibration = AS_STATED) -> float:
    """The probability to leave within so many months, at this hazard a month.

    >>> round(risk_of(0.01, 12), 6)
    0.11308
    """
    if hazard <= 0.0:
        return 0.0
    return -expm1(-exp(calibration.level + calibration.slope * log(hazard * months)))
