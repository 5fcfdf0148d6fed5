"""Measures how often an interval holds what is true of all customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.coverage.shapes import DETRACTOR, PROMOTER, SCORES

from voc_stream.domain.estimates.intervals import of_bounded_mean, of_mean, of_nps, of_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.coverage.shapes import Shape

    from voc_stream.domain.estimates.intervals import Interval

ANSWERS = (2, 5, 20, 50, 200)
LEAST = 0.93
# What is true of all stands at an end of the interval, whatever the rounding.
_ROUNDING = 1e-9


class Sums(NamedTuple):
    """What the tables keep of a sample, in whole numbers."""

    n: int
    score_sum: int
    score_sq_sum: int
    top_n: int
    bottom_n: int


class Estimate(NamedTuple):
    """An interval of the tables, and what it is to hold."""

    name: str
    interval: Callable[[Sums], Interval | None]
    truth: Callable[[Shape], float]


MEAN = Estimate(
    "mean of ratings",
    lambda sums: of_bounded_mean(sums.n, sums.score_sum, sums.score_sq_sum),
    lambda shape: shape.mean,
)
STUDENT = Estimate(
    "Student's, without imagined answers",
    lambda sums: of_mean(sums.n, sums.score_sum, sums.score_sq_sum),
    lambda shape: shape.mean,
)
TOP = Estimate(
    "share of 9 and 10", lambda sums: of_share(sums.top_n, sums.n), lambda shape: shape.top
)
BOTTOM = Estimate(
    "share of 6 and less", lambda sums: of_share(sums.bottom_n, sums.n), lambda shape: shape.bottom
)
NPS = Estimate(
    "NPS",
    lambda sums: of_nps(sums.top_n, sums.bottom_n, sums.n),
    lambda shape: shape.top - shape.bottom,
)


def coverage(
    estimate: Estimate, shape: Shape, n: int, samples: int, random: np.random.Generator
) -> float:
    """The share of samples of n answers whose interval holds the truth."""
    counts = random.multinomial(n, shape.shares, size=samples)
    sums = np.column_stack(
        (
            np.full(samples, n),
            counts @ (100 * SCORES),
            counts @ (100 * SCORES) ** 2,
            counts[:, PROMOTER:].sum(axis=1),
            counts[:, : DETRACTOR + 1].sum(axis=1),
        )
    )
    different, times = np.unique(sums, axis=0, return_counts=True)
    truth, held = estimate.truth(shape), 0
    for row, count in zip(different.tolist(), times.tolist(), strict=True):
        interval = estimate.interval(Sums(*row))
        if interval and interval.low - _ROUNDING <= truth <= interval.high + _ROUNDING:
            held += count
    return held / samples
