"""How long charts of normal scores run until they alarm, by integral equations.

An independent check of thresholds.

With K(u) = the mean run length from a start at u, for a one-sided CUSUM (Page 1954): K(u) = 1 +
K(0) F(k - u) + integral over [0, h] of K(y) f(y + k - u) dy, where f and F are density and
distribution of the standardised fall of a score. For an EWMA (Crowder 1987): K(u) = 1 + integral
over [-h, h] of K(y) f((y - (1 - l) u) / l) / l dy. Solved at the nodes of a Gauss-Legendre rule.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NODES = 40


def mean_run_length(shift: float, allowance: float, threshold: float) -> float:
    """From zero, in scores.

    All arguments in standard deviations, `shift` of the mean towards the alarm.
    """
    return _from_zero(
        0.0,
        threshold,
        at_zero=lambda start: _distribution(allowance - shift - start),
        at=lambda start, point: _density(point + allowance - shift - start),
    )


def mean_run_length_of_both_sides(shift: float, allowance: float, threshold: float) -> float:
    """Of two such charts, one for each direction, from zero.

    Their rates of alarms add up (Kemp 1971).
    """
    return 1 / sum(1 / mean_run_length(each, allowance, threshold) for each in (shift, -shift))


def mean_run_length_of_ewma(shift: float, weight: float, limit: float) -> float:
    """Mean run length from zero of an EWMA with two limits, in scores.

    Each score has a weight. Limits are in asymptotic standard deviations of the EWMA.
    """
    threshold = limit * math.sqrt(weight / (2 - weight))
    return _from_zero(
        -threshold,
        threshold,
        at_zero=lambda _: 0.0,
        at=lambda start, point: _density((point - (1 - weight) * start) / weight - shift) / weight,
    )


def share_of_alarms(run_length: float, scores: int) -> float:
    """The share of streams of so many scores that alarm at least once, by chance.

    >>> round(share_of_alarms(465.44, 1000), 3)
    0.883
    """
    return -math.expm1(-scores / run_length)


def sample_size_of_a_share(before: float, after: float, chance: float, power: float) -> int:
    """How many answers a sample of fixed size needs to tell one share from another, on one side.

    `chance` is how often it may be mistaken, `power` how often it must find out.
    """
    sure, found = NormalDist().inv_cdf(1 - chance), NormalDist().inv_cdf(power)
    deviations = sure * math.sqrt(before * (1 - before)) + found * math.sqrt(after * (1 - after))
    return math.ceil((deviations / (after - before)) ** 2)


def _from_zero(
    low: float, high: float, at_zero: Callable[[float], float], at: Callable[[float, float], float]
) -> float:
    """The mean run length from zero.

    A step leads from a start to zero with a probability, and to other points with a density.
    """
    nodes, weights = _gauss_legendre(NODES)
    points = [low + (high - low) * (node + 1) / 2 for node in nodes]
    rule = [(high - low) * weight / 2 for weight in weights]
    rows = []
    for row, start in enumerate([0.0, *points]):
        coefficients = [
            -at_zero(start),
            *(-weight * at(start, point) for point, weight in zip(points, rule, strict=True)),
        ]
        coefficients[row] += 1
        rows.append([*coefficients, 1.0])
    return _first_unknown(rows)


def _density(value: float) -> float:
    return math.exp(-value * value / 2) / math.sqrt(2 * math.pi)


def _distribution(value: float) -> float:
    return math.erfc(-value / math.sqrt(2)) / 2


def _gauss_legendre(count: int) -> tuple[list[float], list[float]]:
    """Nodes and weights on [-1, 1], by Newton's method on the Legendre polynomial."""
    nodes, weights = [], []
    for number in range(count):
        node = math.cos(math.pi * (number + 0.75) / (count + 0.5))
        for _ in range(50):
            before, value = 1.0, node
            for degree in range(2, count + 1):
                before, value = (
                    value,
                    ((2 * degree - 1) * node * value - (degree - 1) * before) / degree,
                )
            slope = count * (node * value - before) / (node * node - 1)
            node -= value / slope
        nodes.append(node)
        weights.append(2 / ((1 - node * node) * slope * slope))
    return nodes, weights


def _first_unknown(rows: list[list[float]]) -> float:
    """Gaussian elimination with pivoting of an augmented matrix; the first unknown."""
    size = len(rows)
    for column in range(size - 1, 0, -1):
        pivot = max(range(column + 1), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(column):
            factor = rows[row][column] / rows[column][column]
            rows[row] = [
                each - factor * other for each, other in zip(rows[row], rows[column], strict=True)
            ]
    return rows[0][size] / rows[0][0]
