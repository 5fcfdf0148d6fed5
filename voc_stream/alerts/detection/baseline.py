"""Computes what a scope usually scores.

That is its own mean of the past. If few scores say little, it is drawn towards its parent's
(empirical Bayes).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.distribution import Distribution, tilted_to

if TYPE_CHECKING:
    from collections.abc import Sequence

BASELINE_DAYS = 56
"""How many whole days tell what is usual: eight of each day of the week."""
RENEWED_AFTER_DAYS = 28
"""How long a baseline stands, at least.

If a drop began just after and was not noticed, the next baseline holds no more than half of it.
"""
CAUTION = 1.0
"""By how many standard errors a mean is taken lower than it seems.

If a baseline were too high, it would call the usual a drop.
"""
_MARGIN = 0.01
"""By how many points a mean stays away from the ends of the scale.

At an end no other distribution is possible.
"""


class Past(NamedTuple):
    """Scores of the past: how many, and their mean in points.

    If scores of one day are alike, each counts as 1 / phi: see `counted_by`.
    """

    scores: float
    mean: float


def counted_by(past: Past, phi: float) -> Past:
    """The past as so many independent scores as it is worth.

    >>> counted_by(Past(100, 7.0), 2.0)
    Past(scores=50.0, mean=7.0)
    """
    return past if phi == 1 else past._replace(scores=past.scores / phi)


def variance_between(past_weeks: Sequence[Past], variance_within: float) -> float:
    """How far the true means of scopes lie apart, in points squared.

    It is what their spread leaves after that of single scores: the method of moments of DerSimonian
    and Laird 1986. It is 0 for fewer than two scopes.

    >>> round(variance_between([Past(100, 7.0), Past(100, 9.0)], 4.0), 6)
    1.96
    """
    weights = [past.scores for past in past_weeks if past.scores > 0]
    total = sum(weights)
    if total == max(weights, default=0):
        return 0.0
    mean = sum(past.scores * past.mean for past in past_weeks) / total
    spread = sum(past.scores * (past.mean - mean) ** 2 for past in past_weeks)
    excess = spread - (len(weights) - 1) * variance_within
    return max(0.0, excess / (total - sum(weight * weight for weight in weights) / total))


def shrink(past: Past, parent_mean: float, within: float, between: float) -> tuple[float, float]:
    """The mean to expect of a scope, and its standard error, in points.

    `within` and `between` are variances.

    The normal shrinkage (n x / s^2 + m / t^2) / (n / s^2 + 1 / t^2).

    >>> shrink(Past(100, 7.0), 8.0, 4.0, 0.04)
    (7.5, 0.1414213562373095)
    """
    if between <= 0:
        return parent_mean, 0.0
    precision = past.scores / within + 1 / between
    return (past.scores * past.mean / within + parent_mean / between) / precision, math.sqrt(
        1 / precision
    )


def at_mean(shape: Distribution, mean: float) -> Distribution:
    """The shape, tilted to a mean.

    If the mean is at an end of the scale, it is taken a little away from that end.

    >>> round(at_mean(Distribution((0.0, 10.0), (0.5, 0.5)), 10.0).mean, 6)
    9.99
    """
    return tilted_to(
        shape, min(shape.values[-1] - _MARGIN, max(shape.values[0] + _MARGIN, mean))
    ).distribution


def baseline_of(shape: Distribution, past: Past, between: float) -> Distribution:
    """The distribution that a scope's scores are compared with.

    It is `shape`, the parent's shape, at the scope's own mean, cautiously.
    """
    mean, error = shrink(past, shape.mean, shape.variance, between)
    return at_mean(shape, mean - CAUTION * error)
