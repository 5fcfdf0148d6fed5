"""Says what an order or a complaint contributes, and what turns that into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.contribution import Contribution, Profile, dimensions_of
from voc_stream.domain.dimensions import OF_EVENTS
from voc_stream.domain.moment import from_microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.events.types import AnyEvent
    from voc_stream.events.types.base import Measure

_OF_ORDERS = tuple(each.column for each in OF_EVENTS if each.of_orders)
_PLACES = tuple((place, each.column) for place, each in enumerate(OF_EVENTS) if each.of_orders)
_BLANK = ("",) * len(OF_EVENTS)


Measured = tuple[int, "Measure"]
"""A measure, and before it the moment at which it counts, in microseconds since 1970."""


class Counted(NamedTuple):
    """What an order or a complaint contributes: its dimensions, and measures with their moments.

    A measure counts at its moment, which is in microseconds since 1970.
    """

    dimensions: tuple[str, ...]
    measured: list[Measured]


def dimensions_stated_by(state: object, profile: Profile) -> tuple[str, ...]:
    """The dimensions of what the state of an order or a complaint says, with its owner's."""
    stated = [*_BLANK]
    for place, column in _PLACES:
        known = getattr(state, column)
        if known is not None:
            stated[place] = known.value
    return dimensions_of(stated, profile)


def moves_dimensions(state: object, event: AnyEvent) -> bool:
    """Whether an event may change the dimensions that the state of an order says."""
    for column in _OF_ORDERS:
        stated = getattr(event, column)
        if stated is not None:
            known = getattr(state, column)
            if known is None or known.value != stated:
                return True
    return False


def difference(before: Counted, after: Counted) -> list[Contribution]:
    """What turns one into the other: what is no longer so is taken back, what is new is added."""
    if not before.measured:
        return _contributions(after, after.measured, 1)
    if before == after:
        return []
    same = before.dimensions == after.dimensions
    gone = [one for one in before.measured if not same or one not in after.measured]
    new = [one for one in after.measured if not same or one not in before.measured]
    return _contributions(before, gone, -1) + _contributions(after, new, 1)


def _contributions(
    counted: Counted, measured: Sequence[Measured], weight: int
) -> list[Contribution]:
    """One for each moment, with all that counts then."""
    if not measured:
        return []
    by_moment: dict[int, list[Measure]] = {}
    for moment, measure in measured:
        by_moment.setdefault(moment, []).append(measure)
    return [
        Contribution(from_microseconds(moment), counted.dimensions, weight, tuple(measures))
        for moment, measures in by_moment.items()
    ]
