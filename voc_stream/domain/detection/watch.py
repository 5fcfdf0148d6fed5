"""Watching one experience at one scope: usual, fallen, or recovered.

Two limits that differ: a drop is announced when it is far likelier than chance (the charts' threshold), and is over when a recovery is
likelier than that the drop goes on. Hearing nothing changes nothing.
"""

from __future__ import annotations

import math
from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.detection.charts import Chart, Sum, advanced, charts_for
from voc_stream.domain.statistics import NORMAL_975

if TYPE_CHECKING:
    from voc_stream.domain.detection.distribution import Distribution

FEWEST_SCORES = 10
"""Since a chart last stood at zero: a few customers are no drop, however bad their day was."""
RECOVERED = 10.0
"""Nats by which a recovery must be likelier than that the drop goes on: about 20,000 to 1, since it is asked for again with every score."""
MOST_TO_RECOVER = 100
"""Scores that are asked for at most before a drop is taken to be over."""
CALM = 1.0
"""Nats below which a chart suspects nothing and the baseline may be taken anew: the first days of a slow drop must not get into it."""


class Watch(NamedTuple):
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
        recovery: nats by which a recovery is likelier than that the drop goes on; 0 where it is not.
        recovery_scores: scores since `recovery` last was 0.
        fallen_scores: how many scores announced the drop.
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


class Suspicion(NamedTuple):
    """What a chart says.

    Attributes:
        chart: which one.
        margin: nats above its threshold; negative below.
        scores: how many it counts.
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


def watch_for(
    baseline: Distribution, usual: float, error: float, scores: int, *, scores_between_false_alarms: float, now: datetime
) -> Watch:
    """Begin to watch for drops from `baseline`, which was made from so many scores, with one false alarm in so many."""
    charts = tuple(charts_for(baseline, scores_between_false_alarms))
    return Watch(usual, error, baseline.variance, scores, now, charts, (Sum(),) * len(charts))


def heard(watch: Watch, scores: int, total: float, moment: datetime) -> Watch:
    """After some scores with a total in points, the earliest at `moment`. Corrections have negative numbers."""
    if watch.fallen is None:
        return watch._replace(
            sums=tuple(advanced(chart, before, scores, total, moment) for chart, before in zip(watch.charts, watch.sums, strict=True))
        )
    chart = watch.charts[watch.fallen]
    # The chart goes on, so that the evidence stays up to date.
    so_far = advanced(chart, watch.sums[watch.fallen], scores, total, moment)
    watch = watch._replace(sums=(*watch.sums[: watch.fallen], so_far, *watch.sums[watch.fallen + 1 :]))
    recovery = watch.recovery - chart.slope * total + chart.offset * scores
    if recovery <= 0:
        return watch._replace(recovery=0.0, recovery_scores=0)
    return watch._replace(recovery=recovery, recovery_scores=watch.recovery_scores + scores)


def suspicion(watch: Watch, least_drop: float) -> Suspicion | None:
    """What the chart says that is farthest above its threshold, of those with enough scores and at least so large a drop; None for none."""
    found = [_suspicion(watch, number) for number, state in enumerate(watch.sums) if state.scores >= FEWEST_SCORES]
    return max((each for each in found if each.drop >= least_drop), key=lambda each: each.margin, default=None)


def _suspicion(watch: Watch, number: int) -> Suspicion:
    state = watch.sums[number]
    if state.since is None:
        raise ValueError("a chart with scores knows since when")
    mean = state.total / state.scores
    drop = watch.usual - mean
    reach = NORMAL_975 * math.sqrt(watch.variance / state.scores + watch.error**2)
    margin = state.value - watch.charts[number].threshold
    return Suspicion(number, margin, state.scores, mean, drop, drop - reach, drop + reach, state.since)


def latest(watch: Watch) -> Suspicion | None:
    """What the chart says by now that announced the drop; None where there is none, or it has too few scores to tell."""
    return _suspicion(watch, watch.fallen) if watch.fallen is not None and watch.sums[watch.fallen].scores >= FEWEST_SCORES else None


def announced(watch: Watch, chart: int) -> Watch:
    """A drop was announced: from now on a recovery is looked for."""
    return watch._replace(fallen=chart, recovery=0.0, recovery_scores=0, fallen_scores=watch.sums[chart].scores)


def has_recovered(watch: Watch, least_scores: int) -> bool:
    """Whether the drop that was announced is over, by at least so many scores, and as many as it was announced by, up to a limit."""
    least = max(least_scores, min(MOST_TO_RECOVER, watch.fallen_scores))
    return watch.fallen is not None and watch.recovery >= RECOVERED and watch.recovery_scores >= least


def started_anew(watch: Watch) -> Watch:
    """As it was when it was made."""
    return watch._replace(sums=(Sum(),) * len(watch.charts), fallen=None, recovery=0.0, recovery_scores=0, fallen_scores=0)


def is_calm(watch: Watch) -> bool:
    """Whether nothing is suspected."""
    return watch.fallen is None and all(state.value < CALM for state in watch.sums)
