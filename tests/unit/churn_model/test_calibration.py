from __future__ import annotations

import math

import numpy as np
import pytest

from voc_stream.churn_model.calibration import calibrate
from voc_stream.churn_model.outcome import Told
from voc_stream.churn_model.stated_risk import AS_STATED, Calibration, risk_of

HAZARDS = [0.01 * 1.5**number for number in range(12)]


def told_by(line: Calibration, customers: int = 1_000_000) -> list[Told]:
    """Customers who leave as a line makes of what was stated."""
    return [
        Told(risk_of(one, 1), customers, round(customers * risk_of(one, 1, line)))
        for one in HAZARDS
    ]


@pytest.mark.parametrize(
    "line", [Calibration(0.3, 1.2), Calibration(-0.7, 0.6), Calibration(0.0, 1.0)]
)
def test_the_line_that_made_the_outcome_is_found(line: Calibration) -> None:
    """Too bold, too shy and right risks."""
    found = calibrate(told_by(line))
    assert found.line.level == pytest.approx(line.level, abs=0.005)
    assert found.line.slope == pytest.approx(line.slope, abs=0.005)
    assert found.slope_error is not None
    assert 0 < found.slope_error < 0.01


def test_calibrated_risks_are_true() -> None:
    """What the line says of a group is what came of it."""
    truth = Calibration(-0.4, 0.8)
    line = calibrate(told_by(truth)).line
    for hazard in HAZARDS:
        assert risk_of(hazard, 1, line) == pytest.approx(risk_of(hazard, 1, truth), rel=0.002)


def test_few_leavers_say_nothing_about_a_line() -> None:
    """With nineteen, or all at the same risk, risks stay as stated."""
    assert calibrate([Told(0.1, 100, 9), Told(0.2, 50, 10)]).line == AS_STATED
    assert calibrate([Told(0.1, 1000, 300)]).line == AS_STATED
    assert calibrate([]).slope_error is None


def test_errors_are_those_of_many_samples() -> None:
    """The standard error of the slope is how much it varies by chance."""
    random = np.random.default_rng(5)
    slopes, errors = [], []
    for _ in range(200):
        told = [
            Told(risk_of(one, 1), 400, int(random.binomial(400, risk_of(one, 1))))
            for one in HAZARDS
        ]
        found = calibrate(told)
        assert found.slope_error is not None
        slopes.append(found.line.slope)
        errors.append(found.slope_error)
    assert math.sqrt(np.var(slopes)) == pytest.approx(np.mean(errors), rel=0.15)
