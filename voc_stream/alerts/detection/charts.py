"""Sums up log-likelihood ratios (Page 1954), and finds the thresholds of these sums.

There is one chart for each size of drop that is looked for. A score adds the logarithm of how much
likelier it is after a drop than before; what is below zero is forgotten. The drop that is hardest
to tell is a tilt of the baseline's distribution. So the sum needs only the number of scores and
their total, and can be fed from panes.
"""

from __future__ import annotations

import math
from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.distribution import Distribution, tilted_to

if TYPE_CHECKING:
    from collections.abc import Sequence

SHIFTS = (0.6, 1.2, 2.4)
"""Points of drop that the charts look for, each twice the one before.

A drop that lies between, or a quarter beyond, is found nearly as fast.
"""
PART = 0.4
"""The share of the allowed false alarms that each chart may give.

Charts of one key often alarm together, so three of them give less than three times that. Baselines
that are only estimated give more; the formula of the threshold knows nothing of that. This is an
assumption that `make bench-detection` puts to the test.
"""
FEWEST_WEEKS = 260
"""The fewest weeks between false alarms of a key.

With few keys, rarer false alarms would only find drops later.
"""
_OVERSHOOT = 0.583
"""By how many standard deviations a random walk passes a boundary, on average.

Siegmund 1985, Sequential Analysis, eq. 10.28.
"""


class Chart(NamedTuple):
    """One chart, made for one size of drop from one baseline.

    Attributes:
        shift: points.
        slope: what a point of score adds; negative.
        offset: what a score takes away whatever it is.
        information: what a score adds on average after such a drop, in nats.
        threshold: the sum above which the drop is announced.
    """

    shift: float
    slope: float
    offset: float
    information: float
    threshold: float


class Scores(NamedTuple):
    """Some scores that arrived. Corrections have negative numbers.

    Attributes:
        number: how many.
        total: in points.
        squares: the sum of their squares, in points squared.
        moment: when the earliest counts.
    """

    number: int
    total: float
    squares: float
    moment: datetime


class Sum(NamedTuple):
    """Where a chart stands.

    Attributes:
        value: its sum, in nats.
        scores: how many scores there were since it was last at zero.
        total: of these, in points.
        since: when the first of them counts.
        squares: the sum of their squares, in points squared.
    """

    value: float = 0.0
    scores: int = 0
    total: float = 0.0
    since: datetime | None = None
    squares: float = 0.0


def scores_between_false_alarms(scores_a_week: float, keys: int) -> float:
    """How many scores of a key may pass until it raises a false alarm.

    All keys together then raise at most one a week.

    >>> scores_between_false_alarms(140, 6000), scores_between_false_alarms(140, 20)
    (840000, 36400)
    """
    return scores_a_week * max(FEWEST_WEEKS, keys)


def charts_for(
    baseline: Distribution, scores_between_false_alarms: float, phi: float = 1.0
) -> list[Chart]:
    """Charts for every shift that the baseline leaves room for.

    Each score counts as 1 / phi of an independent one: in what it adds, and in how many of them
    pass between false alarms.

    The mean number of scores between false alarms of one chart is exp(h) / (I nu^2) for a threshold
    h (Siegmund 1985, ch. 10). I is the information, and nu the mean of exp(-overshoot). Each of the
    charts gets the same PART of the false alarms that are allowed.

    >>> charts = charts_for(Distribution((0.0, 5.0, 10.0), (0.1, 0.2, 0.7)), 1e6)
    >>> [chart.shift for chart in charts]
    [0.6, 1.2, 2.4]
    """
    mean = baseline.mean
    possible = [shift for shift in SHIFTS if baseline.values[0] < mean - shift]
    scores = scores_between_false_alarms / PART / phi
    return [_chart(baseline, shift, scores, phi) for shift in possible]


def _chart(baseline: Distribution, shift: float, scores: float, phi: float) -> Chart:
    tilt = tilted_to(baseline, baseline.mean - shift)
    spread = abs(tilt.slope) * math.sqrt(tilt.distribution.variance)
    threshold = math.log(
        max(math.e, scores * tilt.information * math.exp(-2 * _OVERSHOOT * spread))
    )
    return Chart(shift, tilt.slope / phi, tilt.log_moment / phi, tilt.information / phi, threshold)


def scores_of(values: Sequence[float], moment: datetime) -> Scores:
    """Single scores, in points.

    >>> from datetime import UTC
    >>> scores_of([3.0, 4.0], datetime(2026, 1, 5, tzinfo=UTC))[:3]
    (2, 7.0, 25.0)
    """
    return Scores(len(values), sum(values), sum(value * value for value in values), moment)


def advance(chart: Chart, before: Sum, scores: Scores) -> Sum:
    """Where a chart stands after some scores."""
    value = before.value + chart.slope * scores.total - chart.offset * scores.number
    if value <= 0:
        return Sum()
    return Sum(
        value,
        before.scores + scores.number,
        before.total + scores.total,
        before.since or scores.moment,
        before.squares + scores.squares,
    )
