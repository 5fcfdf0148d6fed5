"""Fits the hazards of bands and the multipliers of signals to cells.

The hazard of a customer is that of its band times the multipliers of its signals (a piecewise
exponential model: Friedman 1982). Leavers of a cell are Poisson with mean exposure x hazard. Each
parameter has a prior of the gamma family, so the model also holds where few have left: with no data
at all it is the catalogue. The most probable parameters are found by Newton's method on their
logarithms, where the posterior is concave.

- hazard of a band: shape 0.5, mean the base hazard: as if half a customer had left;
- multiplier: shape 2, mean that of the catalogue: as if two had left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.churn_model.cells import added_up
from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from voc_stream.churn_model.cells import Cell

BAND_SHAPE, SIGNAL_SHAPE = 0.5, 2.0
ROUNDS = 100
"""Seven or eight are enough; more would be a fault."""
PRECISE = 1e-10
LARGEST_STEP = 2.0
"""Of a logarithm in one round. A full step from far away may overshoot."""


class FitError(VocError):
    """The cells have no fit."""


class Prior(NamedTuple):
    """What is believed before any customer was seen.

    Attributes:
        hazard_per_month: of a customer without signals.
        multipliers: of the hazard, by signal. All signals of the cells must be among them.
    """

    hazard_per_month: float
    multipliers: Mapping[str, float]


class Fit(NamedTuple):
    """The most probable parameters.

    Attributes:
        hazards_per_month: by band, of a customer without signals.
        multipliers: by signal.
        hazard_errors: standard errors of the logarithms of the hazards.
        multiplier_errors: the same of the multipliers.
        log_likelihood: of the cells, without the constant of the Poisson distribution.
        leavers: how many the cells hold.
        exposure_months: how long their customers stayed.
        covariance: of the logarithms, hazards first, then multipliers by name.
    """

    hazards_per_month: Mapping[int, float]
    multipliers: Mapping[str, float]
    hazard_errors: Mapping[int, float]
    multiplier_errors: Mapping[str, float]
    log_likelihood: float
    leavers: int
    exposure_months: float
    covariance: NDArray[np.float64]


def fit(cells: Sequence[Cell], prior: Prior, bands: int) -> Fit:
    """Fit all bands from 0 to `bands` - 1 and all signals of the prior.

    Raises FitError if a cell has a band or a signal that is not among them.

    >>> nothing = fit([], Prior(0.01, {"complaint": 5.0}), bands=1)
    >>> round(nothing.hazards_per_month[0], 6), round(nothing.multipliers["complaint"], 6)
    (0.01, 5.0)
    """
    cells = added_up(cells)
    names = sorted(prior.multipliers)
    design = _design(cells, {name: bands + place for place, name in enumerate(names)}, bands)
    leavers = np.array([cell.leavers for cell in cells], dtype=float)
    exposures = np.array([cell.exposure_months for cell in cells], dtype=float)
    means = [prior.hazard_per_month] * bands + [prior.multipliers[name] for name in names]
    shapes = np.array([BAND_SHAPE] * bands + [SIGNAL_SHAPE] * len(names))
    logs, information = _most_probable(design, leavers, exposures, shapes, np.array(means))
    covariance = np.linalg.inv(information)
    errors = np.sqrt(np.diag(covariance))
    predictor = design @ logs
    values, uncertain = np.exp(logs).tolist(), errors.tolist()
    return Fit(
        dict(enumerate(values[:bands])),
        dict(zip(names, values[bands:], strict=True)),
        dict(enumerate(uncertain[:bands])),
        dict(zip(names, uncertain[bands:], strict=True)),
        float(leavers @ predictor - exposures @ np.exp(predictor)),
        int(leavers.sum()),
        float(exposures.sum()),
        np.array(covariance, dtype=float),
    )


def _design(cells: Sequence[Cell], columns: Mapping[str, int], bands: int) -> NDArray[np.float64]:
    """Which parameters each cell has: a row for each cell, a column for each parameter."""
    design = np.zeros((len(cells), bands + len(columns)))
    for row, (key, _, _) in enumerate(cells):
        unknown = key.signals - columns.keys()
        if unknown or not 0 <= key.band < bands:
            raise FitError(
                f"a cell has band {key.band} and signals {sorted(key.signals)}; the model has bands"
                f" 0 to {bands - 1} and signals {sorted(columns)}"
            )
        design[row, [key.band, *(columns[name] for name in key.signals)]] = 1.0
    return design


def _most_probable(
    design: NDArray[np.float64],
    leavers: NDArray[np.float64],
    exposures: NDArray[np.float64],
    shapes: NDArray[np.float64],
    means: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The logarithms of the parameters at the maximum, and the information there."""
    logs, rates = np.log(means), shapes / means
    for _ in range(ROUNDS):
        expected = exposures * np.exp(design @ logs)
        believed = rates * np.exp(logs)
        slope = design.T @ (leavers - expected) + shapes - believed
        information = (design.T * expected) @ design + np.diag(believed)
        step = np.linalg.solve(information, slope)
        if np.abs(step).max(initial=0.0) < PRECISE:
            return logs, information
        logs = logs + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    raise FitError(f"no fit within {ROUNDS} rounds: the cells hold numbers that are not finite")
