"""Decides whether a newly fitted model may take the place of the active one.

It is judged on a time that it has not seen: fitted until one horizon ago, its risks of then are
compared with who had left by now. It must say more truth than the active model does, and its risks
must be neither too bold nor too shy. So a model of chance is not activated.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.churn_model.calibration import FEWEST_LEAVERS, calibrate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.churn_model.calibration import CalibrationFit
    from voc_stream.churn_model.outcome import Told

BOLDEST_SLOPE, SHYEST_SLOPE = 0.8, 1.25
"""Of the calibration line: below, risks were too far apart; above, too close together."""
SURE = 1.644854
"""Standard errors by which the log loss must be smaller: one of twenty of no effect passes."""
LEAST = 1e-12


class Pair(NamedTuple):
    """Customers of whom two models said the same: what they said, and what came of it."""

    candidate_risk: float
    active_risk: float
    customers: int
    left: int


class Verdict(NamedTuple):
    """Whether the candidate is activated, and the figures that decided it.

    Attributes:
        activate: whether it may take over.
        because: in words, for log and table.
        gain: how much smaller its log loss is than the active model's, a customer.
        gain_error: the standard error of that.
        slope: of its calibration line; 1 is right.
    """

    activate: bool
    because: str
    gain: float | None
    gain_error: float | None
    slope: float | None


def judge(pairs: Sequence[Pair], told: Sequence[Told]) -> Verdict:
    """Decide by what came of the customers' risks.

    `told`: the same customers, as the candidate spoke of them.

    >>> judge([], []).because
    'too few left to judge: 0 of at least 20'
    """
    left = sum(pair.left for pair in pairs)
    if left < FEWEST_LEAVERS:
        because = f"too few left to judge: {left} of at least {FEWEST_LEAVERS}"
        return Verdict(False, because, None, None, None)
    gain, error = _gain(pairs)
    slope = calibrate(told).line.slope
    if gain <= SURE * error:
        because = "its log loss out of time is not smaller than that of the active model"
        return Verdict(False, because, gain, error, slope)
    if not BOLDEST_SLOPE <= slope <= SHYEST_SLOPE:
        word = "bold" if slope < BOLDEST_SLOPE else "shy"
        because = f"its risks are too {word}: the slope of calibration is {slope:.2f}"
        return Verdict(False, because, gain, error, slope)
    return Verdict(True, "its log loss out of time is smaller", gain, error, slope)


def believed(lines: Mapping[int, CalibrationFit], gate_days: int) -> Mapping[int, CalibrationFit]:
    """The lines by horizon in days, with that of the gate for each that bends risks too far.

    Over a long horizon few have left in a young installation, and chance bends the line.
    """
    return {
        days: line if BOLDEST_SLOPE <= line.line.slope <= SHYEST_SLOPE else lines[gate_days]
        for days, line in lines.items()
    }


def _gain(pairs: Sequence[Pair]) -> tuple[float, float]:
    """The mean gain of log loss a customer, and its standard error."""
    candidate = np.clip([pair.candidate_risk for pair in pairs], LEAST, 1 - LEAST)
    active = np.clip([pair.active_risk for pair in pairs], LEAST, 1 - LEAST)
    customers = np.array([pair.customers for pair in pairs], dtype=float)
    left = np.array([pair.left for pair in pairs], dtype=float)
    of_leavers, of_stayers = np.log(candidate / active), np.log((1 - candidate) / (1 - active))
    stayed, n = customers - left, customers.sum()
    mean = float(left @ of_leavers + stayed @ of_stayers) / n
    squares = float(left @ of_leavers**2 + stayed @ of_stayers**2) / n
    return mean, math.sqrt(max(0.0, squares - mean * mean) / n)
