"""Compares the groups of each dimension with what they were before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import TELLING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DIMENSIONS = tuple(TELLING)
"""The dimensions, the most telling one first."""
ENOUGH_BEFORE = 10
"""A group with fewer past scores than this is compared with what is usual for all."""
LEAST_VARIANCE = 0.25
"""Points squared. Scores that are all the same do not prove that the next one is the same."""
ROUNDING = 1e-9
"""A drop by this part of the sum of the scores is none: floating-point sums are not closer."""


class Group(NamedTuple):
    """Scores of one value of one dimension: how many, their total in points, and their squares'."""

    dimension: str
    value: str
    scores: int
    total: float
    squares: float
    scores_before: int
    total_before: float
    squares_before: float


class Compared(NamedTuple):
    """The groups of one dimension with what they are compared with.

    Attributes:
        groups: of the dimension, also those that have no scores now.
        scores: how many scores there are now.
        scores_before: how many there were.
        usual: the mean before, in points.
        drop: n (M0 - M1), in points times scores.
        baselines: of each group, in points.
        variance: of a score within its group, now, in points squared; at least that of before.
        variance_before: of a score within its group, before.
    """

    groups: Sequence[Group]
    scores: int
    scores_before: int
    usual: float
    drop: float
    baselines: Sequence[float]
    variance: float
    variance_before: float


def compare(groups: Sequence[Group]) -> Iterator[Compared]:
    """The dimensions in which there are scores now and before, and a drop between them."""
    for dimension in DIMENSIONS:
        members = [group for group in groups if group.dimension == dimension]
        scores = sum(group.scores for group in members)
        scores_before = sum(group.scores_before for group in members)
        if not scores or not scores_before:
            continue
        usual = sum(group.total_before for group in members) / scores_before
        drop = scores * usual - sum(group.total for group in members)
        if drop <= ROUNDING * max(1.0, scores * abs(usual)):
            continue
        baselines = [
            group.total_before / group.scores_before
            if group.scores_before >= ENOUGH_BEFORE
            else usual
            for group in members
        ]
        before = _variance_within(
            (group.scores_before, group.total_before, group.squares_before) for group in members
        )
        now = _variance_within((group.scores, group.total, group.squares) for group in members)
        yield Compared(
            members,
            scores,
            scores_before,
            usual,
            drop,
            baselines,
            max(now, before, LEAST_VARIANCE),
            before,
        )


def _variance_within(sums: Iterator[tuple[int, float, float]]) -> float:
    """The variance of scores around the mean of their group, in points squared."""
    freedom, spread = 0, 0.0
    for scores, total, squares in sums:
        if scores:
            freedom += scores - 1
            spread += max(0.0, squares - total**2 / scores)
    return spread / freedom if freedom else 0.0


def compare_with_limit(limit: float, groups: Sequence[Group]) -> list[Group]:
    """The same groups as if each had always been at a limit, which is known without error.

    Then they explain how far all of them lie below the limit.

    >>> [only] = compare_with_limit(
    ...     9.0, [Group("employee", "a", 20, 120.0, 730.0, 3, 12.0, 50.0)])
    >>> only.scores_before, only.total_before, only.squares_before
    (20, 180.0, 1620.0)
    """
    lengths = [max(group.scores, ENOUGH_BEFORE) for group in groups]
    return [
        group._replace(scores_before=n, total_before=n * limit, squares_before=n * limit**2)
        for group, n in zip(groups, lengths, strict=True)
    ]
