"""The bound: how often the best test of all would name the guilty employee, as soon as ours.

It is told whose answers are whose, how everybody scored before, and how the guilty one scores now.
It only has to find out who that is, or whether all fell alike. The ratio of likelihoods does that
best at any rate of wrong names (Neyman and Pearson 1933). That rate is the one that is promised,
where everybody falls by so much that the site falls as far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from benchmarks.explanation.worlds import USUAL, World, shares_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.detection.world import Numbers
    from benchmarks.explanation.trial import Told
    from benchmarks.explanation.worlds import Answers


def everybody_instead(world: World) -> World:
    """The world in which the site falls as far, and nobody is guilty.

    >>> everybody_instead(World("", employees=2, guilty_falls=2.4)).all_fall
    1.2
    """
    return world._replace(guilty_falls=0.0, all_fall=world.guilty_falls / world.employees)


def best_power(
    world: World, guilty: Sequence[Told], innocent: Sequence[Told], most_wrong: float
) -> float:
    """The share of drops in which the best test names employee 0.

    Args:
        world: in which employee 0 is guilty.
        guilty: the drops of that world.
        innocent: those of `everybody_instead`.
        most_wrong: the share of these in which it may name anybody.
    """
    wrong = [float(_for_each(world, each.answers).max()) for each in innocent]
    limit = float(np.quantile(wrong, 1 - most_wrong))
    found = [_for_each(world, each.answers) for each in guilty]
    return float(np.mean([each[0] > limit and each.argmax() == 0 for each in found]))


def _for_each(world: World, answers: Answers) -> Numbers:
    """How much likelier the answers are if an employee alone fell than if all did; logarithms."""
    usual, fallen, all_fallen = (
        np.log(shares_at(USUAL - fall)[answers.scores.astype(int)])
        for fall in (0.0, world.guilty_falls, world.guilty_falls / world.employees)
    )
    own = np.arange(world.employees)[:, None] == answers.values["employee"]
    likelihoods: Numbers = (np.where(own, fallen, usual) - all_fallen).sum(axis=1)
    return likelihoods
