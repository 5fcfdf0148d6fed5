"""What an entity counts for at a moment, and what must be taken back and added when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.contribution import Contribution

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.events.types.base import Measure


class Counted(NamedTuple):
    """What an order contributes: its dimensions, and measures with the moments at which they count."""

    dimensions: tuple[str, ...]
    timings: list[tuple[datetime, Measure]]


def difference(before: Counted, after: Counted) -> list[Contribution]:
    """What turns one into the other: what is no longer so is taken back, what is new is added."""
    if before == after:
        return []
    same = before.dimensions == after.dimensions
    gone = [timing for timing in before.timings if not same or timing not in after.timings]
    new = [timing for timing in after.timings if not same or timing not in before.timings]
    return [_contribution(before, timing, -1) for timing in gone] + [
        _contribution(after, timing, 1) for timing in new
    ]


def _contribution(counted: Counted, timing: tuple[datetime, Measure], weight: int) -> Contribution:
    moment, measure = timing
    return Contribution(moment, counted.dimensions, weight, (measure,))
