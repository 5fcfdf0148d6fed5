"""Pairs the ratings of each callback, so that sums of their products can be merged.

The stream says nothing of pairs: an increment holds the measures of one event one after the other.
So nine answers cost 36 pairs beside the stream, and nothing in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voc_stream.postgres.increments.world import EXPERIENCE

if TYPE_CHECKING:
    from voc_stream.postgres.increments.grouping import Ints
    from voc_stream.postgres.increments.world import World

LOW, HIGH = 600, 900
"""A score of at most LOW is low, one of at least HIGH is high: as the boxes of a score."""


class Pairs:
    """Pairs of ratings that one event gave; the first name comes before the second.

    Attributes:
        first, second: the places of the two among the measures.
    """

    def __init__(self, world: World, experience: Ints, event: Ints) -> None:
        """Pair measures, given the experience and the event of each."""
        names = world.names[EXPERIENCE].all
        order = np.empty(len(names), np.int64)
        order[np.argsort(np.array(names, object), kind="stable")] = np.arange(len(names))
        ratings = world.ratings
        is_rating = np.array([name in ratings for name in names], np.bool_)
        places = np.flatnonzero(is_rating[experience]).astype(np.int32)
        # Those of an event one after the other, each event's in the order of their names.
        places = places[np.lexsort((order[experience[places]], event[places]))]
        event = event[places]
        firsts, seconds = [], []
        for apart in range(1, _most_equal(event)):
            same = np.flatnonzero(event[apart:] == event[:-apart])
            firsts.append(places[same])
            seconds.append(places[same + apart])
        none = np.empty(0, np.int32)
        self.first: Ints = np.concatenate(firsts or [none])
        self.second: Ints = np.concatenate(seconds or [none])


class AgainstOutcome:
    """Each rating beside the outcome that the same event gave.

    Attributes:
        rated, outcome: the places of the two among the measures.
    """

    def __init__(self, world: World, experience: Ints, pairs: Pairs, value: Ints) -> None:
        """Find the pairs of the outcome, given the experience and the value of each measure."""
        number = world.names[EXPERIENCE].number(world.outcome)
        first = experience[pairs.first] == number
        second = experience[pairs.second] == number
        self.rated: Ints = np.concatenate([pairs.second[first], pairs.first[second]])
        self.outcome: Ints = np.concatenate([pairs.first[first], pairs.second[second]])
        rated = value[self.rated]
        self.band: Ints = np.where(rated <= LOW, 0, np.where(rated >= HIGH, 2, 1))


def _most_equal(event: Ints) -> int:
    """How many ratings the event with the most of them has; the events are in order."""
    if not len(event):
        return 0
    starts = np.flatnonzero(np.diff(event, prepend=event[0] - 1))
    return int(np.diff(starts, append=len(event)).max())
