"""Computes textbook statistics that several rules share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NORMAL_975 = 1.959963984540054
"""The normal distribution's 97.5 % point: two-sided 95 %."""


def poisson_tail(count: int, mean: float) -> float:
    """The probability of at least `count` if `mean` are expected.

    Textbook: 1 - sum of exp(-m) m^i / i! for i < count.

    >>> round(poisson_tail(2, 0.1), 6), poisson_tail(0, 0.1), poisson_tail(1, 0.0)
    (0.004679, 1.0, 0.0)
    """
    if count <= 0 or mean <= 0:
        return float(count <= 0)
    below = math.fsum(
        math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))
        for number in range(count)
    )
    return max(0.0, 1 - below)


def wilson_interval(count: int, samples: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `count` of `samples` were seen (Wilson 1927).

    (p + z^2/2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)

    Raises ValueError if there is no sample.

    >>> [round(end, 6) for end in wilson_interval(7, 10)]
    [0.396778, 0.892209]
    """
    if samples < 1:
        raise ValueError("a share needs at least one sample")
    share, squared = count / samples, NORMAL_975**2 / samples
    centre = (share + squared / 2) / (1 + squared)
    half = (
        NORMAL_975
        * math.sqrt(share * (1 - share) / samples + squared / (4 * samples))
        / (1 + squared)
    )
    # A share of 0 or 1 is inside, whatever the rounding.
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which hypotheses are rejected, after Benjamini and Hochberg (1995).

    The expected share of wrong rejections is at most `rate`.

    >>> benjamini_hochberg([0.01, 0.02, 0.03, 0.9], 0.05)
    [True, True, True, False]
    """
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    last = max(
        (
            rank
            for rank, number in enumerate(order, 1)
            if p_values[number] <= rate * rank / len(p_values)
        ),
        default=0,
    )
    believed = set(order[:last])
    return [number in believed for number in range(len(p_values))]
