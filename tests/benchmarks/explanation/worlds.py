"""Sites at which something happens, and who gives the answers before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benchmarks.detection.world import VALUES, shapes_of

from voc_stream.alerts.detection.distribution import tilted_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.detection.world import Numbers

EMPLOYEES = 5
GUILTY = "employee-0"
USUAL = 8.8
"""The mean of a site, in points; also of the mix of segments before it changes."""


class World(NamedTuple):
    """What happens at a site.

    Attributes:
        name: for people.
        employees: how many there are.
        means: of the segments, in points.
        premium_before: the share of the premium segment before.
        premium_after: its share afterwards.
        all_fall: by how many points everybody falls.
        guilty_falls: by how many points employee 0 falls.
    """

    name: str
    employees: int = EMPLOYEES
    means: tuple[float, float] = (USUAL, USUAL)
    premium_before: float = 0.9
    premium_after: float = 0.9
    all_fall: float = 0.0
    guilty_falls: float = 0.0

    @property
    def is_guilty(self) -> bool:
        """Whether somebody is to be named."""
        return self.guilty_falls > 0


MIX = World("the mix of segments changes, 90 → 40 %", means=(9.0, 7.0), premium_after=0.4)
ALL = World("everybody falls by 1.2 points", all_fall=1.2)
ONE = World("one of five employees falls by 6 points", guilty_falls=6.0)
WORLDS = (
    MIX,
    ALL,
    ALL._replace(name="both of two employees fall by 1.2 points", employees=2),
    ONE,
    World("one of five employees falls by 4 points", guilty_falls=4.0),
    World("one of three employees falls by 3.6 points", employees=3, guilty_falls=3.6),
    World("one of two employees falls by 2.4 points", employees=2, guilty_falls=2.4),
)
MOST_WRONG = {(MIX, 20): 0.15, (MIX, 240): 0.05, (ALL, 20): 0.15, (ALL, 240): 0.15}
"""The most often that anybody innocent may be named, by the world and answers a day."""
LEAST_RIGHT = {(ONE, 20): 0.98, (ONE, 240): 0.98}
"""The least often that the guilty employee is to be named."""


class Answers(NamedTuple):
    """Answers in the order of time: their scores, and of each dimension the number of its value."""

    scores: Numbers
    values: Mapping[str, Numbers]

    def part(self, first: int, last: int) -> Answers:
        """Some of them."""
        return Answers(
            self.scores[first:last],
            {dimension: values[first:last] for dimension, values in self.values.items()},
        )

    def followed_by(self, more: Answers) -> Answers:
        """These, and then more."""
        return Answers(
            np.concatenate([self.scores, more.scores]),
            {name: np.concatenate([self.values[name], more.values[name]]) for name in self.values},
        )


def answers_of(world: World, number: int, random: np.random.Generator, *, after: bool) -> Answers:
    """So many answers from before or after it happens."""
    employee = random.integers(0, world.employees, number)
    premium = random.random(number) < (world.premium_after if after else world.premium_before)
    means = np.where(premium, *world.means)
    if after:
        means = means - world.all_fall - world.guilty_falls * (employee == 0)
    # What has nothing to do with it is looked at, too.
    values = {
        "employee": employee,
        "product": random.choice(3, number, p=(0.6, 0.3, 0.1)),
        "segment": (~premium).astype(int),
        "department": np.zeros(number, dtype=int),
        "channel": random.choice(2, number, p=(0.7, 0.3)),
        "region": random.integers(0, 3, number),
    }
    return Answers(_scores(means, random), values)


def shares_at(mean: float) -> Numbers:
    """The share of each score, of a survey whose best marks are the most frequent, at a mean."""
    shape = tilted_to(shapes_of(None)[0], mean).distribution
    shares = np.zeros(len(VALUES))
    shares[[int(value) for value in shape.values]] = shape.shares
    found: Numbers = shares / shares.sum()
    return found


def _scores(means: Numbers, random: np.random.Generator) -> Numbers:
    """Scores with these means."""
    scores = np.empty(len(means))
    for mean in np.unique(means):
        chosen = means == mean
        scores[chosen] = random.choice(VALUES, int(chosen.sum()), p=shares_at(float(mean)))
    return scores
