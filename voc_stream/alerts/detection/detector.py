"""Watches one experience at one scope: usual, fallen, or recovered.

There are two limits. A drop is announced when it is far likelier than chance (the charts'
threshold). It is over when a recovery is likelier than that the drop goes on. If nothing is heard,
nothing changes.
"""

from __future__ import annotations

import math
from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.charts import Chart, Scores, Sum, advance, charts_for
from voc_stream.alerts.detection.weekday_pattern import NO_PATTERN, Pattern
from voc_stream.domain.statistics import NORMAL_975

if TYPE_CHECKING:
    from voc_stream.alerts.detection.distribution import Distribution

FEWEST_SCORES = 10
"""How many scores a chart needs since it last stood at zero.

A few customers are no drop, however bad their day was.
"""
RECOVERED = 10.0
"""By how many nats a recovery must be likelier than that the drop goes on.

That is about 20,000 to 1, since it is asked for again with every score.
"""
MOST_TO_RECOVER = 100
"""How many scores are asked for at most before a drop is taken to be over."""
CALM = 1.0
"""The nats below which a chart suspects nothing, and the baseline may be taken anew.

The first days of a slow drop must not get into the baseline.
"""


class Suspicion(NamedTuple):
    """What a chart says.

    Attributes:
        chart: the number of the chart.
        margin: nats above its threshold; negative below.
        scores: how many scores it counts.
        mean: of these, in points.
        drop: points below what is usual.
        low: lower end of the 95 % interval of `drop`.
        high: upper end.
        since: when the earliest of these scores counted.
    """

    chart: int
    margin: float
    scores: int
    mean: float
    drop: float
    low: float
    high: float
    since: datetime


class Detector(NamedTuple):
    """One experience at one scope.

    Attributes:
        usual: mean that is expected, in points.
        error: standard error of `usual`.
        variance: of single scores, in points squared.
        baseline_scores: how many scores of the past it was made from.
        made_at: when.
        charts: one for each size of drop.
        sums: where each of them stands.
        fallen: the chart that announced a drop; None while all is as usual.
        recovery: nats by which a recovery is likelier than that the drop goes on; 0 if it is
            not.
        recovery_scores: scores since `recovery` last was 0.
        fallen_scores: how many scores announced the drop.
        phi: how many scores of its site say as much as one independent score.
        pattern: by how much the site's own weekdays differ, in points.
        recent: scores of each of the last seven days, by days since 1970-01-05.
        fallen_at: the hour that announced the drop; None while all is as usual.
        recovered_at: the hour that ended the last drop; None if there was none.
        told: what the chart that announced the drop said last; None while all is as usual.
    """

    usual: float
    error: float
    variance: float
    baseline_scores: int
    made_at: datetime
    charts: tuple[Chart, ...]
    sums: tuple[Sum, ...]
    fallen: int | None = None
    recovery: float = 0.0
    recovery_scores: int = 0
    fallen_scores: int = 0
    phi: float = 1.0
    pattern: Pattern = NO_PATTERN
    recent: tuple[tuple[int, int], ...] = ()
    fallen_at: datetime | None = None
    recovered_at: datetime | None = None
    told: Suspicion | None = None


def detector_for(
    baseline: Distribution,
    usual: float,
    error: float,
    scores: int,
    *,
    scores_between_false_alarms: float,
    now: datetime,
    phi: float = 1.0,
    pattern: Pattern = NO_PATTERN,
) -> Detector:
    """A detector for drops from `baseline`, which was made from so many scores.

    It raises one false alarm in `scores_between_false_alarms` scores.
    """
    charts = tuple(charts_for(baseline, scores_between_false_alarms, phi))
    return Detector(
        usual,
        error,
        baseline.variance,
        scores,
        now,
        charts,
        (Sum(),) * len(charts),
        phi=phi,
        pattern=pattern,
    )


def feed(detector: Detector, scores: Scores) -> Detector:
    """The detector after some scores."""
    if detector.fallen is None:
        return detector._replace(
            sums=tuple(
                advance(chart, before, scores)
                for chart, before in zip(detector.charts, detector.sums, strict=True)
            )
        )
    chart = detector.charts[detector.fallen]
    # The chart goes on, so that the evidence stays up to date.
    so_far = advance(chart, detector.sums[detector.fallen], scores)
    detector = detector._replace(
        sums=(*detector.sums[: detector.fallen], so_far, *detector.sums[detector.fallen + 1 :])
    )
    recovery = detector.recovery - chart.slope * scores.total + chart.offset * scores.number
    if recovery <= 0:
        return detector._replace(recovery=0.0, recovery_scores=0)
    return detector._replace(
        recovery=recovery, recovery_scores=detector.recovery_scores + scores.number
    )


def suspicion(detector: Detector, least_drop: float) -> Suspicion | None:
    """What the chart says that is farthest above its threshold; None if there is none.

    Only charts with enough scores and at least so large a drop are looked at.
    """
    found = [
        _suspicion(detector, number)
        for number, state in enumerate(detector.sums)
        if state.scores >= FEWEST_SCORES
    ]
    return max(
        (each for each in found if each.drop >= least_drop),
        key=lambda each: each.margin,
        default=None,
    )


def _suspicion(detector: Detector, number: int) -> Suspicion:
    state = detector.sums[number]
    if state.since is None:
        raise ValueError("a chart with scores knows since when")
    mean = state.total / state.scores
    drop = detector.usual - mean
    # Scores that fell often differ more than before, and a few scores that happen to be alike are
    # no certainty.
    spread = max(
        detector.variance,
        (state.squares - state.total**2 / state.scores) / max(1, state.scores - 1),
    )
    reach = NORMAL_975 * math.sqrt(detector.phi * spread / state.scores + detector.error**2)
    margin = state.value - detector.charts[number].threshold
    return Suspicion(
        number, margin, state.scores, mean, drop, drop - reach, drop + reach, state.since
    )


def latest(detector: Detector) -> Suspicion | None:
    """What the chart that announced the drop says by now.

    None if there is none, or if it has too few scores to tell.
    """
    return (
        _suspicion(detector, detector.fallen)
        if detector.fallen is not None and detector.sums[detector.fallen].scores >= FEWEST_SCORES
        else None
    )


def announce(detector: Detector, chart: int) -> Detector:
    """Note that a drop was announced: from now on a recovery is looked for."""
    return detector._replace(
        fallen=chart, recovery=0.0, recovery_scores=0, fallen_scores=detector.sums[chart].scores
    )


def has_recovered(detector: Detector, least_scores: int) -> bool:
    """Whether the drop that was announced is over.

    That needs at least so many scores, and as many as the drop was announced by, up to a limit.
    """
    least = max(least_scores, min(MOST_TO_RECOVER, detector.fallen_scores))
    return (
        detector.fallen is not None
        and detector.recovery >= RECOVERED
        and detector.recovery_scores >= least
    )


def start_anew(detector: Detector) -> Detector:
    """The detector as it was when it was made."""
    return detector._replace(
        sums=(Sum(),) * len(detector.charts),
        fallen=None,
        recovery=0.0,
        recovery_scores=0,
        fallen_scores=0,
        fallen_at=None,
        told=None,
    )


def is_calm(detector: Detector) -> bool:
    """Whether nothing is suspected."""
    return detector.fallen is None and all(state.value < CALM for state in detector.sums)
