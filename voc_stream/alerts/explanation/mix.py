"""Finds how much of a drop is a change of mix: who answers changed, not what they answer.

Customers of one kind were always less content than the others. If they give more of the scores than
before, the mean falls though nobody does worse.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.explanation.groups import DIMENSIONS, ENOUGH_BEFORE, compare
from voc_stream.alerts.explanation.parts import MOSTLY_SHARE, STANDARD_ERRORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.alerts.explanation.groups import Compared, Group


class Mix(NamedTuple):
    """A change of mix in one dimension, and the group whose part of the scores changed most.

    Attributes:
        dimension: one of `DIMENSIONS`.
        value: of the group; of two whose parts changed alike, the one that gave more.
        share: of the whole drop; negative if the mix would have raised the mean.
        errors: by how many standard errors the mix lowers the mean.
        volume_before: the group's part of the scores before.
        volume_now: its part of the scores now.
        scores_before: of all groups.
        scores: of all groups.
    """

    dimension: str
    value: str
    share: float
    errors: float
    volume_before: float
    volume_now: float
    scores_before: int
    scores: int


def find_mixes(groups: Sequence[Group]) -> list[Mix]:
    """What a change of mix explains of the drop, by each dimension, most first.

    >>> from voc_stream.alerts.explanation.groups import Group
    >>> [mix] = find_mixes([
    ...     Group("segment", "A", 40, 360.0, 3280.0, 900, 8100.0, 73800.0),
    ...     Group("segment", "B", 60, 420.0, 3000.0, 100, 700.0, 5000.0),
    ... ])
    >>> mix.value, mix.volume_before, mix.volume_now, round(mix.share, 3)
    ('A', 0.9, 0.4, 1.0)
    """
    found = [mix for compared in compare(groups) if (mix := _mix(compared)) is not None]
    return sorted(found, key=lambda mix: (-mix.share, DIMENSIONS.index(mix.dimension)))


def main_mix(mixes: Sequence[Mix]) -> Mix | None:
    """The mix to tell: it explains at least half, beyond its own errors."""
    return next(
        (mix for mix in mixes if mix.share >= MOSTLY_SHARE and mix.errors > STANDARD_ERRORS), None
    )


def _mix(compared: Compared) -> Mix | None:
    named = [group for group in compared.groups if group.value]
    if not named:
        return None
    scores, before = compared.scores, compared.scores_before
    part = sum(
        group.scores * (compared.usual - baseline)
        for group, baseline in zip(compared.groups, compared.baselines, strict=True)
    )
    between = sum(
        group.scores_before / before * (baseline - compared.usual) ** 2
        for group, baseline in zip(compared.groups, compared.baselines, strict=True)
    )
    # Who happens to answer, now and before; and how exactly the means before are known.
    variance = between * (scores + scores**2 / before)
    variance += sum(
        (scores * group.scores_before / before - group.scores) ** 2
        * compared.variance_before
        / group.scores_before
        for group in compared.groups
        if group.scores_before >= ENOUGH_BEFORE
    )
    changed = max(
        named,
        key=lambda group: (
            abs(group.scores * before - group.scores_before * scores),
            group.scores_before,
            group.value,
        ),
    )
    return Mix(
        dimension=changed.dimension,
        value=changed.value,
        share=part / compared.drop,
        errors=part / math.sqrt(variance) if variance > 0 else 0.0,
        volume_before=changed.scores_before / before,
        volume_now=changed.scores / scores,
        scores_before=before,
        scores=scores,
    )
