"""What was said of customers, and what came of them: the counts by which a model is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Told(NamedTuple):
    """Customers who were told the same risk.

    Attributes:
        risk: the stated risk of leaving within the horizon, 0 to 1.
        customers: how many they were.
        left: how many of them had left when the horizon was over.
    """

    risk: float
    customers: int
    left: int


class Counts(NamedTuple):
    """Groups of customers as arrays, from the lowest stated risk to the highest."""

    risk: NDArray[np.float64]
    customers: NDArray[np.float64]
    left: NDArray[np.float64]


def counts_of(told: Sequence[Told]) -> Counts:
    """Groups with customers, in the order of their risks; those with the same risk are one."""
    found = sorted(one for one in told if one.customers)
    risks, place = np.unique([one.risk for one in found], return_inverse=True)
    return Counts(
        risks.astype(float),
        np.bincount(place, [one.customers for one in found], len(risks)).astype(float),
        np.bincount(place, [one.left for one in found], len(risks)).astype(float),
    )
