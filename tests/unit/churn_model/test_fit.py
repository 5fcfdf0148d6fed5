from __future__ import annotations

import csv
from math import exp, log
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_data import DATA, needs

from voc_stream.churn_model.cells import Cell, CellKey
from voc_stream.churn_model.fit import Fit, FitError, Prior, fit
from voc_stream.churn_model.stated_risk import hazard_per_month, risk_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BASE = 0.0082
TOY_PRIOR = {"a": 2.0, "b": 1.5}
CELLS = st.lists(
    st.builds(
        Cell,
        st.builds(CellKey, st.integers(0, 1), st.frozensets(st.sampled_from("ab"))),
        st.integers(0, 50),
        st.integers(1, 5000).map(float),
    ),
    max_size=12,
)


def cells_of(name: str) -> Sequence[Cell]:
    with (DATA / name).open(encoding="utf-8") as lines:
        return [
            Cell(
                CellKey(int(row["band"]), frozenset(row["signals"].split())),
                int(row["leavers"]),
                float(row["exposure_months"]),
            )
            for row in csv.DictReader(lines)
        ]


def fit_of(name: str, stated: Mapping[str, float], bands: int) -> Fit:
    cells = cells_of(name)
    signals = {one for cell in cells for one in cell.key.signals}
    return fit(cells, Prior(BASE, {one: stated.get(one, 1.0) for one in signals}), bands)


def rounded(values: Mapping[str, float], digits: int = 6) -> Mapping[str, float]:
    return {name: round(value, digits) for name, value in values.items()}


@needs("toy_cells.csv")
def test_a_small_fit_is_right_to_the_last_digit() -> None:
    """Hazards, multipliers, their standard errors and the likelihood, with priors."""
    found = fit_of("toy_cells.csv", TOY_PRIOR, 2)
    assert [round(one, 9) for one in found.hazards_per_month.values()] == [0.008443890, 0.004797383]
    assert rounded(found.multipliers) == {"a": 3.135848, "b": 3.725877}
    assert rounded(found.multiplier_errors) == {"a": 0.382998, "b": 0.358087}
    assert round(found.log_likelihood, 6) == -70.706312
    assert risk_of(hazard_per_month(found, 0, ()), 12) == pytest.approx(0.096362216, abs=1e-9)
    assert risk_of(hazard_per_month(found, 1, "ab"), 12) == pytest.approx(0.489629797, abs=1e-9)


@needs("telco_cells.csv")
def test_customers_of_a_telephone_company_are_fitted_as_published() -> None:
    """380 cells, six bands, six signals that nobody knew anything of before."""
    found = fit_of("telco_cells.csv", {}, 6)
    hazards = found.hazards_per_month
    assert [round(hazards[band], 9) for band in (0, 2, 5)] == [
        0.002432147,
        0.000771432,
        0.001735372,
    ]
    assert rounded(found.multipliers) == {
        "electronic_check": 1.587204,
        "fiber": 1.176121,
        "month_to_month": 9.949313,
        "no_support": 1.756041,
        "paperless": 1.106122,
        "senior": 0.875750,
    }
    assert round(found.log_likelihood, 6) == -9070.043774
    months = risk_of(hazard_per_month(found, 0, ("month_to_month", "fiber")), 12)
    assert months == pytest.approx(0.289310702, abs=1e-9)


@needs("iranian_cells.csv")
def test_what_a_catalogue_says_is_drawn_towards_what_customers_did() -> None:
    """A prior counts as two leavers, so 495 of them outweigh it."""
    found = fit_of("iranian_cells.csv", {"complaint": 7.89, "inactive": 1.5}, 4)
    assert [round(one, 9) for one in found.hazards_per_month.values()] == [
        0.070337718,
        0.006014234,
        0.011908261,
        0.009645520,
    ]
    assert rounded(found.multipliers) == {
        "complaint": 5.485333,
        "failures_8": 1.432045,
        "inactive": 7.122156,
        "silent": 2.658095,
    }
    risk = risk_of(hazard_per_month(found, 2, ("complaint",)), 3)
    assert risk == pytest.approx(0.177956789, abs=1e-9)


@given(CELLS, st.randoms())
def test_cells_add_up_in_any_order_and_in_any_parts(cells: list[Cell], random: object) -> None:
    """Partitions and servers may each hold a part of the time: the fit is the same."""
    prior = Prior(BASE, TOY_PRIOR)
    whole = fit(cells, prior, 2)
    parts = [
        part
        for key, leavers, months in cells
        for part in (Cell(key, leavers, months / 2), Cell(key, 0, months / 2))
    ]
    random.shuffle(parts)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    again = fit(parts, prior, 2)
    for found, expected in zip(again, whole, strict=True):
        assert found == pytest.approx(expected, rel=1e-9)


@given(st.floats(1e-4, 0.1), st.floats(0.2, 10.0))
def test_without_customers_the_model_is_the_catalogue(base: float, multiplier: float) -> None:
    """A new installation says what its catalogue says."""
    found = fit([], Prior(base, {"a": multiplier}), 3)
    assert list(found.hazards_per_month.values()) == pytest.approx([base] * 3, rel=1e-9)
    assert found.multipliers["a"] == pytest.approx(multiplier, rel=1e-9)
    assert found.multiplier_errors["a"] == pytest.approx(2.0**-0.5)


def test_many_leavers_leave_nothing_of_the_prior() -> None:
    """With one cell a parameter is leavers by exposure: what the data say."""
    found = fit([Cell(CellKey(0, frozenset()), 50_000, 1e6)], Prior(0.5, {}), 1)
    assert found.hazards_per_month[0] == pytest.approx(0.05, rel=1e-4)
    assert found.hazard_errors[0] == pytest.approx(50_000**-0.5, rel=1e-3)


def test_a_start_far_from_the_truth_arrives() -> None:
    """A catalogue of another trade may be wrong by a factor of a million."""
    cells = [
        Cell(CellKey(0, frozenset()), 90_000, 1e5),
        Cell(CellKey(0, frozenset("a")), 9, 1e5),
    ]
    found = fit(cells, Prior(0.01, {"a": 100.0}), 1)
    assert found.hazards_per_month[0] == pytest.approx(0.9, rel=0.001)
    assert log(found.multipliers["a"]) == pytest.approx(log(1e-4), abs=0.5)


@pytest.mark.parametrize("key", [CellKey(2, frozenset()), CellKey(0, frozenset({"unheard_of"}))])
def test_a_cell_that_the_model_does_not_know_is_refused(key: CellKey) -> None:
    """A cell left out in silence would move every number."""
    with pytest.raises(FitError, match="the model has bands 0 to 1 and signals"):
        fit([Cell(key, 1, 1.0)], Prior(BASE, {"a": 2.0}), 2)


def test_twenty_thousand_cells_are_fitted_within_seconds() -> None:
    """A fit of all customers runs beside the stream, each month."""
    import time

    names = [f"s{number}" for number in range(18)]
    cells = [
        Cell(
            CellKey(
                number % 6,
                frozenset(name for bit, name in enumerate(names) if number * 7919 >> bit & 1),
            ),
            number % 5,
            100.0 + number % 977,
        )
        for number in range(20_000)
    ]
    started = time.process_time()
    found = fit(cells, Prior(0.01, dict.fromkeys(names, 1.0)), 6)
    assert time.process_time() - started < 10
    assert all(0 < exp(abs(log(one))) < 100 for one in found.multipliers.values())
