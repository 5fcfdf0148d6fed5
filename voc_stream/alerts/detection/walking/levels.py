"""Computes the own levels of sites, so that all sites together are compared with themselves.

If the site of a low level uploads first, the mean of all answers falls, and nothing has happened.
So a score at the scope `all` counts as its difference to the level of its own site. Levels are
taken at each epoch. A new site enters with its own level as soon as it has enough scores, and not
before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.settling import EPOCH_DAYS
from voc_stream.alerts.detection.walking.making import before, past_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.alerts.detection.overdispersion import DayScores

ENOUGH_AT_ONCE = 8
"""From so many times the least scores a level stands for the whole epoch."""
MOST_OF_ONE_SITE = 0.5
"""The share of a drop of all sites from which on it is the drop of one site."""


class Level(NamedTuple):
    """What a site usually scores, over some days.

    Attributes:
        since: the first day.
        until: the day after the last one.
        hundredths: of a point; a whole number, so that sums of differences are exact.
    """

    since: int
    until: int
    hundredths: int


def levels_of(
    days: Sequence[DayScores], epoch: int, today: int, minimum_samples: int
) -> list[Level]:
    """The levels of one site from an epoch on, for four weeks or until today.

    While it has few scores, its level is taken anew whenever they have doubled.

    >>> from voc_stream.alerts.detection.overdispersion import DayScores
    >>> levels_of([DayScores(day, 10, 80.0 - day) for day in range(25, 40)], 28, 40, 20)
    [Level(since=28, until=31, hundredths=540), Level(since=31, until=37, hundredths=525), \
Level(since=37, until=41, hundredths=495)]
    """
    end = min(epoch + EPOCH_DAYS, today + 1)
    found: list[Level] = []
    known = 0.0
    for day in range(epoch, end):
        scores = sum(each.scores for each in before(days, day))
        if scores < max(minimum_samples, 2 * known):
            continue
        known = scores
        hundredths = round(100 * past_of(before(days, day)).mean)
        if found:
            found[-1] = found[-1]._replace(until=day)
        found.append(Level(day, end, hundredths))
        if day == epoch and scores >= ENOUGH_AT_ONCE * minimum_samples:
            break
    return found


def carries_most(losses: Mapping[str, float]) -> str | None:
    """The site that explains most of a drop of all; None if there is no such site.

    `losses`: what each site lost against its own level, in points times scores. Those that gained
    count against the whole.

    >>> carries_most({"a": 90.0, "b": 10.0}), carries_most({"a": 50.0, "b": 50.0})
    ('a', None)
    """
    whole = sum(losses.values())
    site = max(losses, key=lambda each: losses[each], default=None)
    return site if site is not None and losses[site] > MOST_OF_ONE_SITE * whole > 0 else None
