"""Shops that are judged.

Every pair of a shop and an experience is a key with a distribution of scores of its own.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voc_stream.alerts.detection.distribution import Distribution, distribution_of, tilted_to

if TYPE_CHECKING:
    from pathlib import Path

EXPERIENCES, SITES = 20, 300
# How far the means of shops lie apart, standard deviation in points.
BETWEEN_SITES = 0.2
# If no file is given: shares of 0 to 10 as ceiling-heavy as a survey that people like to fill
# in.
_CEILING = dict(
    zip(
        map(float, range(11)),
        (1.0, 0.5, 0.7, 0.8, 1.0, 3.0, 4.0, 10.0, 20.0, 22.0, 37.0),
        strict=True,
    )
)
VALUES = np.arange(11.0)


Numbers = NDArray[Any]


class World(NamedTuple):
    """Keys by row.

    Attributes:
        shapes: the distribution of each experience over all shops.
        experience: of each key, an index of `shapes`.
        means: the true mean of each key, points.
        cumulative: the cumulative shares of 0 to 9; a row a score, a column a key.
    """

    shapes: list[Distribution]
    experience: Numbers
    means: Numbers
    cumulative: Numbers

    def scores(self, random: np.random.Generator) -> Numbers:
        """One score of each key."""
        scores: Numbers = (
            (random.random(len(self.means), dtype=np.float32) > self.cumulative)
            .sum(axis=0, dtype=np.int8)
            .astype(float)
        )
        return scores

    def totals(self, random: np.random.Generator, count: int) -> Numbers:
        """The total of `count` scores of each key."""
        shares = np.diff(self.cumulative.astype(float), axis=0, prepend=0.0, append=1.0)
        totals: Numbers = random.multinomial(count, (shares / shares.sum(axis=0)).T) @ VALUES
        return totals


def shapes_of(path: Path | None) -> list[Distribution]:
    """Distributions of 0 to 10.

    Of the columns of a CSV file of answers from 1 to 10, or the built-in one for every experience.
    """
    if path is None:
        return [distribution_of(_CEILING)] * EXPERIENCES
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    columns = list(zip(*rows[1:], strict=True))[1 : EXPERIENCES + 1]
    found = []
    for column in columns:
        counts = dict.fromkeys(
            map(float, VALUES), 0.01
        )  # what nobody has answered yet is not impossible
        for answer in column:
            counts[float(round((float(answer) - 1) / 9 * 10))] += 1
        found.append(distribution_of(counts))
    return found


def world_of(shapes: list[Distribution], random: np.random.Generator, drop: float = 0.0) -> World:
    """Shops around the shape of each experience.

    All of them `drop` points lower than they usually are.
    """
    experience = np.repeat(np.arange(len(shapes)), SITES)
    usual = np.array([shape.mean for shape in shapes])[experience] + random.normal(
        0.0, BETWEEN_SITES, len(experience)
    )
    usual = np.clip(usual, 0.5, 9.8)
    means = usual - drop
    shares = np.array(
        [
            _shares(tilted_to(shapes[number], mean).distribution)
            for number, mean in zip(experience, means, strict=True)
        ]
    )
    return World(shapes, experience, means, np.cumsum(shares.T, axis=0)[:-1].astype(np.float32))


def _shares(distribution: Distribution) -> Numbers:
    shares = np.zeros(len(VALUES))
    for value, share in zip(distribution.values, distribution.shares, strict=True):
        shares[int(value)] = share
    return shares
