"""The sums that a peer keeps: of five minutes, hours and days by scope, and of the daily cube.

A sum belongs to a group, which is what a peer keys its state by: a scope, or a cell of the cube.
Pure.
"""

from __future__ import annotations

from collections import defaultdict
from operator import add
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.domain.dimensions import COLUMNS, DIMENSIONS, SITES
from voc_stream.domain.moment import microseconds_of
from voc_stream.postgres.schema.sums import BINS as BIN_COLUMNS
from voc_stream.postgres.schema.sums import SUMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.domain.calendar import Calendars
    from voc_stream.domain.contribution import Contribution

MINUTE_MICROSECONDS = 60_000_000
FIVE_MINUTES, HOUR, DAY = 5, 60, 1_440
CUBE = 0
"""Stands where a resolution stands, for a cell of the cube; its start is an ordinal day."""
BINS = len(BIN_COLUMNS)
SEPARATOR = "\t"
TOP, BOTTOM = 900, 600
Sums = list[int]
"""n, sum, squares, expectations and their sum, importances and their sum, top, bottom, bins."""
NAMES = (*SUMS, "top_n", "bottom_n", *BIN_COLUMNS)


class Place(NamedTuple):
    """Where a sum stands in its group.

    Attributes:
        resolution: minutes of a pane, or CUBE.
        start: minutes since 1970, or an ordinal day.
    """

    resolution: int
    start: int
    experience: str


Group = dict[Place, Sums]
decode_group: Callable[[bytes], Group] = msgspec.msgpack.Decoder(Group).decode
encode_group = msgspec.msgpack.Encoder().encode


def partial_sums(
    contributions: Iterable[Contribution], calendars: Calendars, units: Mapping[str, str]
) -> dict[str, Group]:
    """What contributions add, by group. Wider panes are made of the finest ones, which are few."""
    groups: defaultdict[str, Group] = defaultdict(dict)
    for each in contributions:
        minute = microseconds_of(each.moment) // MINUTE_MICROSECONDS
        day = calendars.of(each.dimensions[0] or None).day_of(each.moment).toordinal()
        cell = groups[SEPARATOR.join(["cube", *each.dimensions])]
        panes = [
            (groups[key], resolution, minute - minute % resolution)
            for resolution, key in _scopes(each.dimensions)
        ]
        for measure in each.measures:
            experience = measure.experience
            added = _sums(
                each.weight, measure.value, measure.expectation, measure.importance,
                units.get(experience, "score"),
            )  # fmt: skip
            _add(cell, Place(CUBE, day, experience), added)
            for group, resolution, start in panes:
                _add(group, Place(resolution, start, experience), added)
    for group in groups.values():
        for narrow, wide in ((FIVE_MINUTES, HOUR), (HOUR, DAY)):
            for place in [each for each in group if each.resolution == narrow]:
                start = place.start - place.start % wide
                _add(group, Place(wide, start, place.experience), group[place])
    return dict(groups)


def merge(group: Group, added: Iterable[Group]) -> set[Place]:
    """Add sums to those of a group; returns the places that changed."""
    changed = set()
    for sums in added:
        for place, values in sums.items():
            _add(group, place, values)
            changed.add(place)
    return changed


def _scopes(dimensions: Sequence[str]) -> list[tuple[int, str]]:
    """The finest resolution and the group of each scope."""
    stated = zip(DIMENSIONS, dimensions, strict=True)
    return [(FIVE_MINUTES, f"all{SEPARATOR}")] + [
        (FIVE_MINUTES if each.name in SITES else HOUR, f"{each.name}{SEPARATOR}{scope}")
        for each, scope in stated
        if scope
    ]


def _add(group: Group, place: Place, added: Sequence[int]) -> None:
    known = group.get(place)
    group[place] = [*added] if known is None else [*map(add, known, added)]


def _sums(
    weight: int, value: int, expectation: int | None, importance: int | None, unit: str
) -> Sums:
    sums = [weight, weight * value, weight * value * value, 0, 0, 0, 0, 0, 0, *[0] * BINS]
    if expectation is not None:
        sums[3:5] = weight, weight * expectation
    if importance is not None:
        sums[5:7] = weight, weight * importance
    if value >= TOP:
        sums[7] = weight
    if value <= BOTTOM:
        sums[8] = weight
    sums[9 + _bin(value, unit)] = weight
    return sums


def _bin(value: int, unit: str) -> int:
    if unit == "minutes":
        return min(BINS - 1, (value // 500).bit_length())
    return min(BINS - 1, value // (2_000 if unit == "percent" else 100))


def row_of(group: str, place: Place, sums: Sums) -> tuple[str, tuple[object, ...]]:
    """The table and the row of a sum."""
    kind, *dimensions = group.split(SEPARATOR)
    if kind == "cube":
        return "peer_cube", (place.start, place.experience, *dimensions, *sums)
    return "peer_pane", (place.resolution, place.start, kind, *dimensions, place.experience, *sums)


def _columns(key: Iterable[str]) -> tuple[str, ...]:
    return (*key, *NAMES)


CUBE_KEY = ("day", "experience", *COLUMNS)
PANE_KEY = ("resolution", "start", "scope_type", "scope", "experience")
COLUMNS_OF = {"peer_cube": _columns(CUBE_KEY), "peer_pane": _columns(PANE_KEY)}


def pane_minute(moment: datetime, resolution: int) -> int:
    """The start of the pane that holds a moment, in minutes since 1970."""
    minute = microseconds_of(moment) // MINUTE_MICROSECONDS
    return minute - minute % resolution
