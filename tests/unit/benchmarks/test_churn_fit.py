from __future__ import annotations

from random import Random

import pytest
from benchmarks.churn_fit import (
    BASE,
    FILE,
    MULTIPLIERS,
    SEED,
    cells_of,
    company,
    in_band,
    out_of_fold,
    passes,
    read_customers,
    recovered,
)
from real_data import DATA, needs


@needs(FILE)
def test_fitted_risks_of_real_customers_are_in_order_and_true() -> None:
    """Out of fold: an AUC of 0.915 at least, and a calibration error of 0.02 at most."""
    found = out_of_fold(read_customers(DATA / FILE), Random(SEED))
    assert (found.customers, found.left) == (3150, 495)
    assert found.auc is not None
    assert found.auc.value >= 0.915
    assert found.calibration_error.value <= 0.02


def test_multipliers_that_are_known_are_found_again() -> None:
    """Of 40,000 simulated customers, each within 3 %."""
    found = recovered(Random(SEED))
    assert found.multipliers == pytest.approx(MULTIPLIERS, rel=0.03)
    assert found.hazards_per_month[0] == pytest.approx(BASE, rel=0.03)


def test_a_company_without_any_effect_keeps_its_model() -> None:
    """Ten of the hundred that the page counts."""
    assert sum(passes(Random(number)) for number in range(10)) <= 1


def test_no_time_of_simulated_customers_is_lost_or_counted_twice() -> None:
    """Each is watched until it leaves, or until the end."""
    lives = company(Random(1), 200, MULTIPLIERS, 30.0)
    cells = cells_of(lives, 20.0)
    watched = sum(min(left_at, 20.0) for _, left_at in lives)
    assert sum(cell.exposure_months for cell in cells) == pytest.approx(watched)
    assert sum(cell.leavers for cell in cells) == sum(left_at <= 20.0 for _, left_at in lives)


@pytest.mark.parametrize(
    ("calls", "place"), [(0, None), (5, None), (6, 0), (9, 0), (10, 1), (100, 4), (101, 5)]
)
def test_calls_are_in_one_band_or_in_none(calls: int, place: int | None) -> None:
    """A band begins above its number; few calls are the band that others are compared with."""
    assert list(in_band(calls)) == [number == place for number in range(6)]
