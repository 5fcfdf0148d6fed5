"""The few statistics that the benchmarks need. Pure."""

from __future__ import annotations

import math
from statistics import linear_regression
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS_PER_HOUR = 3600.0


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile.

    The smallest value that at least `share` (0-1) of the values do not exceed. ValueError for none.

    >>> percentile([40.0, 10.0, 30.0, 20.0], 0.5), percentile([40.0, 10.0, 30.0, 20.0], 0.99)
    (20.0, 40.0)
    """
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def per_hour(seconds: Sequence[float], values: Sequence[float]) -> float:
    """The slope of the least-squares line through samples, per hour.

    Raises StatisticsError for fewer than two moments.

    >>> per_hour([0.0, 60.0, 120.0], [100.0, 101.0, 102.0])
    60.0
    """
    return linear_regression(seconds, values).slope * SECONDS_PER_HOUR
