"""Many scopes at once: which of them to believe (Benjamini and Hochberg 1995)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which hypotheses are rejected so that the expected share of wrong rejections is at most `rate`.

    >>> benjamini_hochberg([0.01, 0.02, 0.03, 0.9], 0.05)
    [True, True, True, False]
    """
    order = sorted(range(len(p_values)), key=lambda number: p_values[number])
    last = max((rank for rank, number in enumerate(order, 1) if p_values[number] <= rate * rank / len(p_values)), default=0)
    believed = set(order[:last])
    return [number in believed for number in range(len(p_values))]


def believed(margins: Sequence[float]) -> list[bool]:
    """The same for charts: `margins` are in nats above the threshold at which one chart alone would be believed.

    A chart's sum exceeds s by chance with a probability proportional to exp(-s), so where k scopes fall together the k-th needs ln k less.

    >>> believed([0.1, -0.5, -0.6]), believed([-0.1, -0.8, -3.0])
    ([True, True, True], [False, False, False])
    """
    return benjamini_hochberg([math.exp(-margin) / max(1, len(margins)) for margin in margins], 1.0)
