from __future__ import annotations

from datetime import UTC, datetime
from math import expm1

import pytest

from voc_stream.churn_model.cells import DAYS_A_MONTH, Cell, CellKey
from voc_stream.churn_model.fit import Prior
from voc_stream.churn_model.learning import Group, Past, learn

CALM, ANGRY = CellKey(0, frozenset()), CellKey(0, frozenset({"complaint"}))
LANDMARK = datetime(2025, 9, 1, tzinfo=UTC)
PRIOR = Prior(0.02, {"complaint": 1.5})


def past(days: int, hazards: dict[CellKey, float], active: float) -> Past:
    """A past in which customers leave as often as those hazards say; one risk for all before."""
    months, customers = days / DAYS_A_MONTH, 20_000
    cells = [Cell(key, round(40_000 * hazard), 40_000.0) for key, hazard in hazards.items()]
    groups = [
        Group(key, active, customers, round(-customers * expm1(-hazard * months)))
        for key, hazard in hazards.items()
    ]
    return Past(LANDMARK, cells, groups)


def test_a_model_that_says_more_is_activated_with_true_numbers() -> None:
    """Known hazards are found again, and lines change hardly anything; the prior pulls a little."""
    hazards = {CALM: 0.01, ANGRY: 0.05}
    pasts = {days: past(days, hazards, 0.08) for days in (90, 365)}
    learned = learn(pasts[90].cells, pasts, PRIOR, 90)
    assert learned.verdict.activate
    assert learned.model.hazards_per_month[0] == pytest.approx(0.01, rel=0.02)
    assert learned.model.multipliers["complaint"] == pytest.approx(5, rel=0.02)
    for days in (90, 365):
        assert learned.lines[days].line.slope == pytest.approx(1, abs=0.02)
        assert learned.lines[days].line.level == pytest.approx(0, abs=0.05)
    assert learned.candidate is not None
    assert learned.active is not None
    assert learned.candidate.log_loss.value < learned.active.log_loss.value
    assert learned.candidate.calibration_error.value == pytest.approx(0, abs=0.001)


def test_a_model_without_an_effect_is_refused() -> None:
    """If the active model says the same already, nothing is gained."""
    months = 90 / DAYS_A_MONTH
    pasts = {90: past(90, {CALM: 0.02, ANGRY: 0.02}, -expm1(-0.02 * months))}
    learned = learn(pasts[90].cells, pasts, PRIOR, 90)
    assert not learned.verdict.activate
    assert "log loss" in learned.verdict.because


def test_without_customers_at_the_landmark_nothing_is_judged() -> None:
    """A young installation has cells, but no horizon is over yet."""
    learned = learn([Cell(CALM, 3, 100.0)], {90: Past(LANDMARK, [], [])}, PRIOR, 90)
    assert learned.verdict.because == "too few left to judge: 0 of at least 20"
    assert (learned.candidate, learned.active) == (None, None)


def test_bands_of_all_times_have_a_hazard() -> None:
    """A band that nobody had reached before the landmark has the hazard of the prior there."""
    late = CellKey(2, frozenset())
    pasts = {90: Past(LANDMARK, [Cell(CALM, 5, 500.0)], [Group(late, 0.1, 50, 2)])}
    learned = learn([Cell(late, 1, 10.0)], pasts, PRIOR, 90)
    assert sorted(learned.model.hazards_per_month) == [0, 1, 2]
    assert learned.candidate is not None
    assert learned.candidate.customers == 50
