"""Divides what answers explain of an outcome among them (Johnson 2000), from sums alone.

Ratings go together, so the coefficients of a regression change their signs at random. A relative
weight is what of the outcome's variance an answer explains, alone and together with the others. No
weight is negative, and all of them add up to R squared. Correlations come from sums of products,
which can be added up over days and sites.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.domain.statistics import NORMAL_975

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_EIGENVALUE = 1e-9
"""What is less is a sum of other answers, but for rounding."""
STEP = 1e-5


class Products(NamedTuple):
    """Sums over those who gave both of two answers; all can be added and subtracted."""

    n: int
    first: int
    second: int
    first_squares: int
    second_squares: int
    products: int

    @property
    def correlation(self) -> float | None:
        """Pearson's r; None if either answer is always the same.

        >>> Products(3, 6, 12, 14, 56, 28).correlation
        1.0
        """
        first = self.n * self.first_squares - self.first**2
        second = self.n * self.second_squares - self.second**2
        if not (first and second):
            return None
        together = self.n * self.products - self.first * self.second
        return float(together / np.sqrt(float(first) * float(second)))


class Weight(NamedTuple):
    """How much one answer matters.

    Attributes:
        correlation: with the outcome.
        beta: the standardised coefficient of the regression.
        weight: what of the outcome's variance it explains, from 0 to 1.
        low, high: the ends of the 95 % interval of the weight.
    """

    correlation: float
    beta: float
    weight: float
    low: float
    high: float


def relative_weights(correlations: Floats, n: int) -> list[Weight]:
    """What each answer explains of the outcome.

    The intervals are those of the delta method: the weights are a function of the correlations, and
    these vary as those of normal answers do (Pearson and Filon 1898).

    Args:
        correlations: of all with all; the outcome comes first.
        n: how many gave the answers.

    >>> halves = np.array([[1.0, 0.5, 0.5], [0.5, 1.0, 0.0], [0.5, 0.0, 1.0]])
    >>> [(round(one.beta, 6), round(one.weight, 6)) for one in relative_weights(halves, 100)]
    [(0.5, 0.25), (0.5, 0.25)]
    """
    weights = _weights(correlations)
    errors = _standard_errors(correlations, n, _weights)
    answers, outcome = correlations[1:, 1:], correlations[1:, 0]
    betas = np.linalg.lstsq(answers, outcome, rcond=None)[0]
    return [
        Weight(
            float(r),
            float(beta),
            float(weight),
            max(0.0, float(weight - NORMAL_975 * error)),
            min(1.0, float(weight + NORMAL_975 * error)),
        )
        for r, beta, weight, error in zip(outcome, betas, weights, errors, strict=True)
    ]


def _weights(correlations: Floats) -> Floats:
    values, vectors = np.linalg.eigh(correlations[1:, 1:])
    values = np.maximum(values, LEAST_EIGENVALUE)
    loadings = vectors * np.sqrt(values) @ vectors.T
    of_outcome = vectors / np.sqrt(values) @ vectors.T @ correlations[1:, 0]
    weights: Floats = loadings**2 @ of_outcome**2
    return weights


def _standard_errors(correlations: Floats, n: int, function: Callable[[Floats], Floats]) -> Floats:
    pairs = list(combinations(range(len(correlations)), 2))
    gradient = np.array([_slope(correlations, pair, function) for pair in pairs])
    variance = np.einsum("pi,pq,qi->i", gradient, _covariance(correlations, pairs), gradient)
    errors: Floats = np.sqrt(np.maximum(variance, 0) / n)
    return errors


def _slope(
    correlations: Floats, pair: tuple[int, int], function: Callable[[Floats], Floats]
) -> Floats:
    ends = []
    for step in (STEP, -STEP):
        moved = correlations.copy()
        moved[pair] += step
        moved[pair[::-1]] += step
        ends.append(function(moved))
    slope: Floats = (ends[0] - ends[1]) / (2 * STEP)
    return slope


def _covariance(correlations: Floats, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Of the correlations of these pairs, times n."""
    places = np.array(pairs)
    j, k = places[:, :1], places[:, 1:]
    h, m = places[:, 0], places[:, 1]
    r = correlations
    together = (
        (r[j, h] - r[j, k] * r[k, h]) * (r[k, m] - r[k, h] * r[h, m])
        + (r[j, m] - r[j, h] * r[h, m]) * (r[k, h] - r[k, j] * r[j, h])
        + (r[j, h] - r[j, m] * r[m, h]) * (r[k, m] - r[k, j] * r[j, m])
        + (r[j, m] - r[j, k] * r[k, m]) * (r[k, h] - r[k, m] * r[m, h])
    )
    covariance: Floats = together / 2
    return covariance
