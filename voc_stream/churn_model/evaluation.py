"""Judges stated risks by what came of them, each figure with its 95 % interval.

- Brier score: the mean of (stated - came)^2 (Brier 1950);
- log loss: the mean of -log(what was stated of what came);
- AUC: how often somebody who left had been told more than somebody who stayed, ties half. Its
  interval is that of DeLong et al. (1988), on counts;
- calibration error (ECE): the mean distance of stated and true share over ten groups of the same
  size (Naeini et al. 2015). Chance alone makes it greater than 0, so its interval is drawn;
- lift: how many times as often the tenth with the highest risks left as all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.churn_model.outcome import counts_of
from voc_stream.errors import VocError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voc_stream.churn_model.outcome import Counts, Told

Z = 1.959964
DRAWS, SEED = 400, 1
TENTHS = 10
LEAST = 1e-12


class EvaluationError(VocError):
    """Nobody was told anything."""


class Figure(NamedTuple):
    """A figure with its 95 % interval; None where there is none to tell."""

    value: float
    low: float | None
    high: float | None


class Tenth(NamedTuple):
    """A tenth of the customers by stated risk, the lowest first: what was said, what came."""

    customers: float
    stated: float
    came: float


class Evaluation(NamedTuple):
    """How good stated risks were; `auc` and `lift` are None where nobody left, or all did."""

    customers: int
    left: int
    brier: Figure
    log_loss: Figure
    auc: Figure | None
    calibration_error: Figure
    lift: Figure | None
    tenths: Sequence[Tenth]


def evaluate(told: Sequence[Told]) -> Evaluation:
    """Judge stated risks. Raises EvaluationError if there are none.

    >>> from voc_stream.churn_model.outcome import Told
    >>> evaluate([Told(0.1, 900, 90), Told(0.8, 100, 80)]).calibration_error.value
    0.0
    """
    counts = counts_of(told)
    customers, left = float(counts.customers.sum()), float(counts.left.sum())
    if not customers:
        raise EvaluationError("no stated risk has come to its end: wait for a horizon to be over")
    risk = np.clip(counts.risk, LEAST, 1 - LEAST)
    someone = 0 < left < customers
    return Evaluation(
        customers=int(customers),
        left=int(left),
        brier=_mean(counts, (1 - counts.risk) ** 2, counts.risk**2),
        log_loss=_mean(counts, -np.log(risk), -np.log1p(-risk)),
        auc=_auc(counts) if someone else None,
        calibration_error=_calibration_error(counts),
        lift=_lift(counts) if someone else None,
        tenths=_tenths(counts),
    )


def _mean(
    counts: Counts, of_leavers: NDArray[np.float64], of_stayers: NDArray[np.float64]
) -> Figure:
    """A mean over customers, of one value for those who left and one for those who stayed."""
    stayed, n = counts.customers - counts.left, float(counts.customers.sum())
    mean = float(counts.left @ of_leavers + stayed @ of_stayers) / n
    squares = float(counts.left @ of_leavers**2 + stayed @ of_stayers**2) / n
    half = Z * math.sqrt(max(0.0, squares - mean**2) / n)
    return Figure(mean, mean - half, mean + half)


def _auc(counts: Counts) -> Figure:
    left, stayed = counts.left, counts.customers - counts.left
    leavers, stayers = float(left.sum()), float(stayed.sum())
    # The share of stayers below each risk, and of leavers above it; ties count half.
    below = (np.cumsum(stayed) - stayed / 2) / stayers
    above = (left[::-1].cumsum()[::-1] - left / 2) / leavers
    auc = float(left @ below) / leavers
    variance = 0.0
    for count, places in ((left, below), (stayed, above)):
        n = float(count.sum())
        if n > 1:
            variance += float(count @ (places - auc) ** 2) / (n - 1) / n
    half = Z * math.sqrt(variance)
    return Figure(auc, max(0.0, auc - half), min(1.0, auc + half))


def _in_tenths(counts: Counts) -> NDArray[np.float64]:
    """How much of each group falls into each tenth: a row for each tenth.

    A group that lies across a border is divided.
    """
    ends = np.cumsum(counts.customers)
    borders = np.linspace(0.0, ends[-1], TENTHS + 1)
    low = np.maximum(borders[:-1, None], (ends - counts.customers)[None, :])
    high = np.minimum(borders[1:, None], ends[None, :])
    share: NDArray[np.float64] = np.clip(high - low, 0.0, None) / counts.customers
    return share


def _tenths(counts: Counts) -> Sequence[Tenth]:
    shares = _in_tenths(counts)
    customers = shares @ counts.customers
    stated = shares @ (counts.customers * counts.risk) / customers
    came = shares @ counts.left / customers
    return [Tenth(*map(float, one)) for one in zip(customers, stated, came, strict=True)]


def _calibration_error(counts: Counts) -> Figure:
    shares = _in_tenths(counts)
    n = float(counts.customers.sum())
    stated = shares @ (counts.customers * counts.risk)

    def error(left: NDArray[np.float64]) -> float:
        return float(np.abs(stated - shares @ left).sum()) / n

    random = np.random.default_rng(SEED)
    true = counts.left / counts.customers
    drawn = random.binomial(counts.customers.astype(np.int64), true, (DRAWS, len(true)))
    low, high = np.quantile([error(one.astype(float)) for one in drawn], [0.025, 0.975])
    return Figure(error(counts.left), float(low), float(high))


def _lift(counts: Counts) -> Figure:
    highest = _in_tenths(counts)[-1]
    customers, left = float(highest @ counts.customers), float(highest @ counts.left)
    rate = counts.left.sum() / counts.customers.sum()
    share = left / customers
    # Wilson's interval of a share.
    centre = (share + Z * Z / (2 * customers)) / (1 + Z * Z / customers)
    half = math.sqrt(share * (1 - share) / customers + (Z / (2 * customers)) ** 2)
    half *= Z / (1 + Z * Z / customers)
    return Figure(*(float(one / rate) for one in (share, centre - half, centre + half)))
