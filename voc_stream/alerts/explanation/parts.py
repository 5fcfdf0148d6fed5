"""Finds the part that each group has in a drop, and which group is named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.explanation.groups import DIMENSIONS, ENOUGH_BEFORE, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voc_stream.alerts.explanation.groups import Compared, Group

MOSTLY_SHARE = 0.5
"""The share of the drop that a group must explain to be named, or the mix to be told."""
STANDARD_ERRORS = 2.5
"""How many standard errors the part of a group must have to be named, or the mix to be told."""
BEYOND_OTHERS = 3.0
"""By how many standard errors a group must have fallen farther than the others.

A product or a segment often gives most of the scores, so it has most of any drop.
"""
BEYOND_OTHERS_OF_FEW = 1.75
"""The same of sites and employees.

They seldom have half of a drop that all share, so this is passed by chance as rarely as three are
by larger groups (`make bench-explanation`).
"""
_OF_FEW = ("site", "employee")
NEARLY_ALL = 0.8
"""The usual share of the scores from which on there are too few others to compare with.

A group that gives all scores explains any drop, and so tells nothing. A site does tell something:
its drop is announced for it alone.
"""
FEWEST_SCORES = 3
"""How many scores a group must have to be named.

A drop by several points is found after ten scores of a site. Of these, each of its three advisors
has three.
"""
_SHOWN = 8


class Explanation(NamedTuple):
    """What a group explains.

    Attributes:
        dimension: one of `DIMENSIONS`.
        value: the value of the dimension.
        scores: how many scores the group has now.
        mean: of these, in points.
        baseline_mean: its own before, or that of all if it had few.
        baseline_scores: of how many scores that is the mean.
        share: of the whole drop; those of one dimension and its mix add up to 1.
        errors: its part, in standard errors of the group's means now and before.
        errors_beyond: by how many standard errors it fell farther than the others, or than nothing
            if they rose; the errors are those of all four means. 0 if there is nobody to compare
            it with.
        volume_share: of the scores now.
        usual_volume_share: of the scores before.
    """

    dimension: str
    value: str
    scores: int
    mean: float
    baseline_mean: float
    baseline_scores: int
    share: float
    errors: float
    errors_beyond: float
    volume_share: float
    usual_volume_share: float


def explain_drop(groups: Sequence[Group]) -> list[Explanation]:
    """What each group explains of the drop of its dimension, most first.

    Nothing if there is no drop. A group's part is its number of scores times its own drop, so a
    group that was always bad explains nothing.

    >>> from voc_stream.alerts.explanation.groups import Group
    >>> [best, other] = explain_drop([
    ...     Group("employee", "a", 10, 30.0, 110.0, 100, 800.0, 6600.0),
    ...     Group("employee", "b", 10, 78.0, 620.0, 100, 800.0, 6600.0),
    ... ])
    >>> best.value, round(best.share, 3), best.baseline_mean, round(best.errors, 1)
    ('a', 0.962, 8.0, 10.6)
    """
    found = [each for compared in compare(groups) for each in _explanations(compared)]
    return sorted(
        found, key=lambda each: (-each.share, DIMENSIONS.index(each.dimension), each.value)
    )


def _explanations(compared: Compared) -> Iterator[Explanation]:
    parts = [
        group.scores * baseline - group.total
        for group, baseline in zip(compared.groups, compared.baselines, strict=True)
    ]
    # Of a part, as far as the group's mean before is not known exactly.
    variances = [group.scores**2 * _variance_before(compared, group) for group in compared.groups]
    for group, baseline, part, variance in zip(
        compared.groups, compared.baselines, parts, variances, strict=True
    ):
        if not group.scores:
            continue
        own = _fall(compared, group.scores, part, variance)
        others = _fall(
            compared, compared.scores - group.scores, sum(parts) - part, sum(variances) - variance
        )
        usual_volume_share = group.scores_before / compared.scores_before
        yield Explanation(
            dimension=group.dimension,
            value=group.value,
            scores=group.scores,
            mean=group.total / group.scores,
            baseline_mean=baseline,
            baseline_scores=_scores_before(compared, group),
            share=part / compared.drop,
            errors=own.points / math.sqrt(own.squared_error),
            errors_beyond=_errors_beyond(own, others, group.dimension, usual_volume_share),
            volume_share=group.scores / compared.scores,
            usual_volume_share=usual_volume_share,
        )


class _Fall(NamedTuple):
    """By how many points a mean fell, and the squared standard error of that."""

    points: float
    squared_error: float


def _fall(compared: Compared, scores: int, part: float, variance: float) -> _Fall:
    """`variance` is that of the part, by what it is compared with. Infinite error for no scores."""
    if not scores:
        return _Fall(0.0, math.inf)
    return _Fall(part / scores, compared.variance / scores + variance / scores**2)


def _errors_beyond(own: _Fall, others: _Fall, dimension: str, usual_volume_share: float) -> float:
    """See `Explanation.errors_beyond`."""
    is_nearly_all = usual_volume_share >= NEARLY_ALL
    if is_nearly_all and dimension == "site":
        return own.points / math.sqrt(own.squared_error)
    if math.isinf(others.squared_error):
        return 0.0 if is_nearly_all else own.points / math.sqrt(own.squared_error)
    farther = own.points - max(0.0, others.points)
    return farther / math.sqrt(own.squared_error + others.squared_error)


def _variance_before(compared: Compared, group: Group) -> float:
    """The variance of what a group is compared with, as the mean of a sample."""
    return compared.variance_before / _scores_before(compared, group)


def _scores_before(compared: Compared, group: Group) -> int:
    """How many scores a group is compared with: its own, or those of all if it had few."""
    return group.scores_before if group.scores_before >= ENOUGH_BEFORE else compared.scores_before


def main_explanation(explanations: Sequence[Explanation]) -> Explanation | None:
    """The group to name: it explains at least half, and fell farther than the others.

    If several do, it is that of the most telling dimension. If that group has too few scores to be
    named, no group is named: a larger group would be blamed for what it only contains.
    """
    telling = [
        each
        for each in explanations
        if each.value
        and each.share >= MOSTLY_SHARE
        and each.errors > STANDARD_ERRORS
        and each.errors_beyond
        > (BEYOND_OTHERS_OF_FEW if each.dimension in _OF_FEW else BEYOND_OTHERS)
    ]
    most = min(
        telling, key=lambda each: (DIMENSIONS.index(each.dimension), -each.share), default=None
    )
    return most if most is not None and most.scores >= FEWEST_SCORES else None


def department_of(explanations: Sequence[Explanation]) -> str | None:
    """The department to tell: more than half of the scores are about it."""
    return next(
        (
            each.value
            for each in explanations
            if each.dimension == "department" and each.volume_share > MOSTLY_SHARE and each.value
        ),
        None,
    )


def show_largest(
    explanations: Sequence[Explanation], stored: Callable[[float], float] = float
) -> list[dict[str, str | int | float]]:
    """The first few explanations of groups that fell, for the evidence of an alert.

    `stored`: what makes a mean in points one as tables store it.
    """
    return [
        {
            "dimension": each.dimension,
            "value": each.value,
            "n": each.scores,
            "mean": round(stored(each.mean), 2),
            "baseline_mean": round(stored(each.baseline_mean), 2),
            "baseline_n": each.baseline_scores,
            "share": round(each.share, 2),
            "standard_errors": round(each.errors, 1),
        }
        for each in explanations[:_SHOWN]
        if each.share > 0 and each.value
    ]
