"""Makes stated risks true for one horizon, by a line through the logarithms of hazards.

log(-log(1 - p)) = level + slope x log(-log(1 - stated)): a regression with the complementary
log-log link (Prentice and Gloeckler 1978), of who had left on what was stated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.churn_model.outcome import counts_of
from voc_stream.churn_model.stated_risk import AS_STATED, Calibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.churn_model.outcome import Told

ROUNDS, PRECISE = 50, 1e-9
LARGEST_STEP = 1.0
LEAST = 1e-12
"""Nobody is told a risk of nothing, or of certainty: their logarithms would be infinite."""
FEWEST_LEAVERS = 20
"""With fewer a line says more of chance than of the model."""


class CalibrationFit(NamedTuple):
    """A line with the standard errors of its two numbers; None where nothing was fitted."""

    line: Calibration
    level_error: float | None
    slope_error: float | None


def calibrate(told: Sequence[Told]) -> CalibrationFit:
    """Fit the line to what came of stated risks.

    With fewer than 20 leavers, or where all were told the same, risks stay as stated.

    >>> from voc_stream.churn_model.outcome import Told
    >>> calibrate([Told(0.1, 100, 10)]).line
    Calibration(level=0.0, slope=1.0)
    """
    counts = counts_of(told)
    stated = np.log(-np.log1p(-np.clip(counts.risk, LEAST, 1 - LEAST)))
    stay = counts.customers - counts.left
    if counts.left.sum() < FEWEST_LEAVERS or stay.sum() == 0 or np.ptp(stated) == 0:
        return CalibrationFit(AS_STATED, None, None)
    design = np.column_stack([np.ones_like(stated), stated])
    line = np.array([0.0, 1.0])
    for _ in range(ROUNDS):
        hazard = np.exp(design @ line)
        risk = np.clip(-np.expm1(-hazard), LEAST, 1 - LEAST)
        # Fisher scoring: the slope of the likelihood, and what is expected of its curvature.
        slope = design.T @ ((counts.left - counts.customers * risk) * hazard / risk)
        weight = counts.customers * hazard**2 * (1 - risk) / risk
        information = (design.T * weight) @ design
        step = np.clip(np.linalg.solve(information, slope), -LARGEST_STEP, LARGEST_STEP)
        line = line + step
        if np.abs(step).max() < PRECISE:
            break
    level_error, slope_error = np.sqrt(np.diag(np.linalg.inv(information))).tolist()
    return CalibrationFit(Calibration(*line.tolist()), level_error, slope_error)
