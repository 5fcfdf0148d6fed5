"""Finds which site, employee or other dimension explains most of a drop.

This is contribution analysis over groups of scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import TELLING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIMENSIONS = tuple(TELLING)
"""The dimensions, the most telling one first."""
MOSTLY_SHARE = 0.5
"""The share of the drop that a group must explain to be named."""
MORE_THAN_ITS_VOLUME = 1.25
"""By how many times a group must exceed its usual share of the scores.

A group that always gives nearly all scores explains nearly all of any drop, and so tells nothing. A
site does tell something: its drop is announced for it alone.
"""
FEWEST_SCORES = 3
"""How many scores a group must have to be named.

A drop by several points is found after ten scores of a site. Of these, each of its three advisors
has three.
"""
ENOUGH_BEFORE = 10
"""A group with fewer past scores than this is compared with what is usual for all."""
_SHOWN = 8


class Group(NamedTuple):
    """Scores of one value of one dimension. Totals are in points."""

    dimension: str
    value: str
    scores: int
    total: float
    scores_before: int
    total_before: float


class Explanation(NamedTuple):
    """What a group explains.

    Attributes:
        dimension: one of `DIMENSIONS`.
        value: the value of the dimension.
        scores: how many scores the group has now.
        mean: of these, in points.
        baseline_mean: its own before, or that of all if it had few.
        share: of the whole drop; those of one dimension add up to 1.
        volume_share: of the scores now.
        usual_volume_share: of the scores before.
    """

    dimension: str
    value: str
    scores: int
    mean: float
    baseline_mean: float
    share: float
    volume_share: float
    usual_volume_share: float


def explain_drop(groups: Sequence[Group]) -> list[Explanation]:
    """What each group explains of the drop of its dimension, most first.

    Nothing if there is no drop. A group's contribution is its number of scores times its own drop,
    so a group that was always bad explains nothing.

    >>> [best, other] = explain_drop([
    ...     Group("employee", "a", 10, 30.0, 100, 800.0),
    ...     Group("employee", "b", 10, 78.0, 100, 800.0),
    ... ])
    >>> best.value, round(best.share, 3), best.baseline_mean
    ('a', 0.962, 8.0)
    """
    found: list[Explanation] = []
    for dimension in DIMENSIONS:
        members = [group for group in groups if group.dimension == dimension and group.scores > 0]
        before = sum(group.scores_before for group in members)
        if not members or before <= 0:
            continue
        # Groups that have no score now count, too.
        everything_before = sum(
            group.scores_before for group in groups if group.dimension == dimension
        )
        usual = sum(group.total_before for group in members) / before
        baselines = [
            group.total_before / group.scores_before
            if group.scores_before >= ENOUGH_BEFORE
            else usual
            for group in members
        ]
        lost = [
            group.scores * baseline - group.total
            for group, baseline in zip(members, baselines, strict=True)
        ]
        scores, drop = sum(group.scores for group in members), sum(lost)
        if drop > 0:
            found += [
                Explanation(
                    dimension=dimension,
                    value=group.value,
                    scores=group.scores,
                    mean=group.total / group.scores,
                    baseline_mean=baseline,
                    share=loss / drop,
                    volume_share=group.scores / scores,
                    usual_volume_share=group.scores_before / everything_before,
                )
                for group, baseline, loss in zip(members, baselines, lost, strict=True)
            ]
    return sorted(
        found, key=lambda each: (-each.share, DIMENSIONS.index(each.dimension), each.value)
    )


def compare_with_limit(limit: float, groups: Sequence[Group]) -> list[Group]:
    """The same groups as if each had always been at a limit.

    Then they explain how far all of them lie below the limit.

    >>> [only] = compare_with_limit(9.0, [Group("employee", "a", 20, 120.0, 3, 12.0)])
    >>> only.scores_before, only.total_before
    (20, 180.0)
    """
    lengths = [max(group.scores, ENOUGH_BEFORE) for group in groups]
    return [
        group._replace(scores_before=n, total_before=n * limit)
        for group, n in zip(groups, lengths, strict=True)
    ]


def main_explanation(explanations: Sequence[Explanation]) -> Explanation | None:
    """The group to name: it explains at least half, and more than its usual volume.

    If several do, it is that of the most telling dimension. If that group has too few scores to be
    named, no group is named: a larger group would be blamed for what it only contains.
    """
    telling = [
        each
        for each in explanations
        if each.value
        and each.share >= MOSTLY_SHARE
        and (
            each.dimension == "site" or each.share >= MORE_THAN_ITS_VOLUME * each.usual_volume_share
        )
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
            "share": round(each.share, 2),
        }
        for each in explanations[:_SHOWN]
        if each.share > 0 and each.value
    ]
