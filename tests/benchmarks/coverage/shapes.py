"""Declares how customers answer: shapes of scores from 0 to 10, as surveys have them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

SCORES = np.arange(11)
PROMOTER, DETRACTOR = 9, 6


class Shape(NamedTuple):
    """How often each score from 0 to 10 is given. What follows is true of all customers."""

    name: str
    shares: Numbers

    @property
    def mean(self) -> float:
        """The mean of all customers."""
        return float(self.shares @ SCORES)

    @property
    def top(self) -> float:
        """The share of scores of 9 or more."""
        return float(self.shares[PROMOTER:].sum())

    @property
    def bottom(self) -> float:
        """The share of scores of 6 or less."""
        return float(self.shares[: DETRACTOR + 1].sum())


def _mixed(parts: Mapping[int, float], rest: Numbers) -> Numbers:
    """Some scores with these shares; the others share what is left as in `rest`."""
    shares = rest * (1 - sum(parts.values()))
    for score, share in parts.items():
        shares[score] += share
    return shares


def _bell(mean: float, deviation: float) -> Numbers:
    """A normal curve, rounded to scores and cut at the ends of the scale."""
    edges = (np.arange(10) + 0.5 - mean) / deviation / math.sqrt(2)
    below = np.array([0.0, *(0.5 * (1 + math.erf(edge)) for edge in edges), 1.0])
    return np.diff(below)


_BELOW_TEN = np.array([*[0.1] * 10, 0.0])
RATINGS = (
    Shape("92 % tens, the others even", _mixed({10: 0.92}, _BELOW_TEN)),
    Shape("98 % tens (begged scores)", _mixed({10: 0.98}, _BELOW_TEN)),
    Shape("normal around 7.5, deviation 1.5", _bell(7.5, 1.5)),
    Shape("normal around 5, deviation 2", _bell(5.0, 2.0)),
    Shape("best marks the most frequent", _bell(9.0, 2.0)),
    Shape("normal, and 10 % zeros", _mixed({0: 0.1}, _bell(8.0, 1.5))),
    Shape("half zeros, half tens", _mixed({0: 0.5, 10: 0.5}, np.zeros(11))),
    Shape("uniform", np.full(11, 1 / 11)),
)
DONE = tuple(
    Shape(
        f"done at {share:.0%}".replace("%", " %"), _mixed({0: 1 - share, 10: share}, np.zeros(11))
    )
    for share in (0.97, 0.9, 0.75, 0.5)
)
