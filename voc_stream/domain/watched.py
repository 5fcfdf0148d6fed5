"""The scale on which detectors of drops watch a measure: points from 0 to 10, as for ratings.

An NPS of -1 to 1 is watched as points, too: a promoter counts 10, a passive 5 and a detractor 0. So
all that detectors know of points holds for it, and a drop is one of the NPS itself, not of the mean
answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.catalogue.model import Experience

_HALF = 5.0
DETRACTORS, PASSIVES, PROMOTERS = range(7), range(7, 9), range(9, 11)
"""The answers from 0 to 10 that each are."""


def stored_mean(experience: Experience, points: float) -> float:
    """A watched mean as tables store it.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> experiences = load_catalogue().experience
    >>> stored_mean(experiences["recommendation"], 7.5), stored_mean(experiences["overall"], 7.5)
    (0.5, 7.5)
    """
    return points / _HALF - 1 if experience.kind == "nps" else points


def stored_difference(experience: Experience, points: float) -> float:
    """A difference of watched means as tables store it."""
    return points / _HALF if experience.kind == "nps" else points


def watched_difference(experience: Experience, stored: float) -> float:
    """A difference of stored means in watched points.

    >>> from voc_stream.catalogue.load import load_catalogue
    >>> watched_difference(load_catalogue().experience["recommendation"], 0.2)
    1.0
    """
    return stored * _HALF if experience.kind == "nps" else stored


def watched_points(counts: Sequence[float]) -> dict[float, float]:
    """How many values of an NPS have how many points, by the counts of the answers 0 to 10.

    >>> watched_points([1, 0, 0, 0, 0, 0, 1, 1, 0, 2, 1])
    {0.0: 2, 5.0: 1, 10.0: 3}
    """
    groups = ((0.0, DETRACTORS), (5.0, PASSIVES), (10.0, PROMOTERS))
    return {points: sum(counts[value] for value in answers) for points, answers in groups}
