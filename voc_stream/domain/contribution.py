"""Declares contributions, which the aggregates are sums of.

Adding one with weight 1 and again with weight -1 leaves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import OF_CUSTOMERS, OF_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.events.types import AnyEvent
    from voc_stream.events.types.base import Measure

Profile = tuple[str, ...]
"""The dimensions of a customer, in the order of `OF_CUSTOMERS`; '' if one is unknown."""
NO_PROFILE: Profile = ()
"""The profile of a customer of whom no dimension is known."""
_UNKNOWN = ("",) * len(OF_CUSTOMERS)
_EVENT_FIELDS = tuple(each.column for each in OF_EVENTS)


class Contribution(NamedTuple):
    """Measures of one moment with the same dimensions.

    Weight 1 adds them, weight -1 takes them back.

    Attributes:
        dimensions: a value of each of `DIMENSIONS`, in their order; '' if it is unknown.
    """

    moment: datetime
    dimensions: tuple[str, ...]
    weight: int
    measures: tuple[Measure, ...]


def dimensions_of(stated: list[str], profile: Profile) -> tuple[str, ...]:
    """A value of each dimension: those that an event or an order states, then the customer's.

    A profile that was stored before a dimension was added lacks it, and nothing is known of it.
    """
    return (*stated, *profile, *_UNKNOWN[len(profile) :])


def contribution_of(
    event: AnyEvent, moment: datetime, profile: Profile, measures: tuple[Measure, ...]
) -> Contribution:
    """What an event adds by itself to the aggregates, given what it measures."""
    stated = [getattr(event, field, None) or "" for field in _EVENT_FIELDS]
    return Contribution(moment, dimensions_of(stated, profile), 1, measures)


def moved(
    contributions: Sequence[Contribution], before: Profile, after: Profile
) -> list[Contribution]:
    """The same contributions taken back under one profile and added under another."""
    return [
        contribution._replace(
            dimensions=dimensions_of([*contribution.dimensions[: len(_EVENT_FIELDS)]], profile),
            weight=weight,
        )
        for contribution in contributions
        for profile, weight in ((before, -1), (after, 1))
    ]
