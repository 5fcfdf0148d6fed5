"""The 97.5 % quantile of Student's t distribution.

For few degrees of freedom the finite sums for the central area (Abramowitz and Stegun 26.7.3 and
26.7.4) are inverted by halving. For many, the expansion around the normal quantile (26.7.5) is
exact enough. The tests show that the two agree where they meet.
"""

from __future__ import annotations

from functools import cache
from math import atan, cos, pi, sin, sqrt

NORMAL_QUANTILE = 1.959963984540054
MANY_DEGREES = 300
CENTRAL_AREA = 0.95


@cache
def t_quantile(degrees: int) -> float:
    """The t with P(T <= t) = 0.975.

    >>> round(t_quantile(1), 4), round(t_quantile(30), 4)
    (12.7062, 2.0423)
    """
    return t_by_expansion(degrees) if degrees > MANY_DEGREES else t_by_halving(degrees)


def t_by_halving(degrees: int) -> float:
    """The quantile by inverting the exact area."""
    low, high = 0.0, 13.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if central_area(middle, degrees) < CENTRAL_AREA else (low, middle)
        )
    return (low + high) / 2


def central_area(t: float, degrees: int) -> float:
    """P(-t <= T <= t)."""
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term = cos(angle) if odd else 1.0
    total = term if degrees > 1 else 0.0
    for power in range(3 if odd else 2, degrees - 1, 2):
        term *= cos(angle) ** 2 * (power - 1) / power
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


def t_by_expansion(degrees: int) -> float:
    """The quantile as the normal one plus four corrections."""
    z: float = NORMAL_QUANTILE
    corrections = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(
        correction / float(degrees) ** power
        for power, correction in enumerate(corrections, start=1)
    )
