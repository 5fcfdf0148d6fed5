"""Declares every aggregate: its table, its level, its key, and what each measure adds to it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from voc_stream.domain.dimensions import DIMENSIONS
from voc_stream.domain.horizons import DAY, FIVE_MINUTES, HORIZONS, HOUR, PANES_KEPT, closed_window
from voc_stream.domain.moment import EPOCH
from voc_stream.pipeline.clocks import LARGEST_LEAP
from voc_stream.postgres.increments.aggregate import Aggregate, Key
from voc_stream.postgres.increments.answer_aggregates import ANSWER_AGGREGATES
from voc_stream.postgres.increments.encoding import NOT_STATED
from voc_stream.postgres.increments.levels import Level
from voc_stream.postgres.increments.world import EXPERIENCE
from voc_stream.postgres.schema.sums import BINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from voc_stream.domain.horizons import Horizon
    from voc_stream.postgres.increments.aggregate import Mask, Rows
    from voc_stream.postgres.increments.grouping import Ints, Sum
    from voc_stream.postgres.increments.measures import Measures
    from voc_stream.postgres.increments.world import World

    Adds = Mapping[str, Callable[[Measures], Sum]]

TOP, BOTTOM = 900, 600
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
START, SCOPE = "start", "scope"
_FIRST_DAY = EPOCH.date()


def _squares(measures: Measures) -> Sum:
    value = measures.value
    if len(value) and int(np.abs(value).max()) >= 2**31:
        value = value.astype(object)
    squares: Sum = measures.weight * value * value
    return squares


def _stated(name: str, measures: Measures) -> Ints:
    return np.where(getattr(measures, name) == NOT_STATED, 0, measures.weight)


def _stated_sum(name: str, measures: Measures) -> Ints:
    stated: Ints = getattr(measures, name)
    return np.where(stated == NOT_STATED, 0, measures.weight * stated)


def _count(measures: Measures) -> Ints:
    return measures.weight


def _in_bin(number: int, measures: Measures) -> Ints:
    return np.where(measures.bin == number, measures.weight, 0)


_SUMS: Adds = {
    "n": _count,
    "score_sum": lambda measures: measures.weight * measures.value,
    "score_sq_sum": _squares,
    "expectation_n": partial(_stated, "expectation"),
    "expectation_sum": partial(_stated_sum, "expectation"),
    "importance_n": partial(_stated, "importance"),
    "importance_sum": partial(_stated_sum, "importance"),
}
_PANE_SUMS: Adds = {
    **_SUMS,
    "top_n": lambda measures: np.where(measures.value >= TOP, measures.weight, 0),
    "bottom_n": lambda measures: np.where(measures.value <= BOTTOM, measures.weight, 0),
}
_CUBE_SUMS: Adds = {**_SUMS, **{name: partial(_in_bin, number) for number, name in enumerate(BINS)}}


def _dates(_: World, days: Sequence[int]) -> list[str]:
    return _each(lambda day: str(_FIRST_DAY + timedelta(days=day)), days)


def _moments(width: timedelta, _: World, starts: Sequence[int]) -> list[str]:
    return _each(lambda start: (EPOCH + start * width).isoformat(), starts)


def _each(shown: Callable[[int], str], values: Sequence[int]) -> list[str]:
    known = {value: shown(value) for value in set(values)}
    return [known[value] for value in values]


def _names(name: str, world: World, numbers: Sequence[int]) -> list[str]:
    return world.names[name].of(numbers)


def _same(column: str, rows: Rows) -> Ints:
    return rows.keys[column]


def _named(column: str, name: str, *, of_rows: bool = False) -> Key:
    """A key whose values are names: of a dimension, or of experiences."""
    of = partial(_same, column) if of_rows else (lambda measures: measures.names[name])
    return Key(column, of, partial(_names, name))


def _is_known(name: str, rows: Rows, world: World) -> Mask:
    """Whether a scope has a name: what is not known of a dimension belongs to no scope of it."""
    known: Mask = rows.keys[SCOPE] != world.names[name].number("")
    return known


def _start_of_measures(width: timedelta) -> Key:
    seconds = width // SECOND
    return Key(START, lambda measures: measures.seconds // seconds, partial(_moments, width))


def _wider_start(width: timedelta, wider: timedelta) -> Key:
    times = wider // width
    return Key(
        START,
        lambda rows: np.floor_divide(rows.keys[START], times, dtype=np.int64),
        partial(_moments, wider),
    )


def _is_kept(width: timedelta, rows: Rows, world: World) -> Mask:
    """What no refresh needs any more to take it out of a horizon is not written."""
    first = -((EPOCH - (world.as_of - PANES_KEPT[width] - LARGEST_LEAP)) // width)
    kept: Mask = rows.keys[START] >= first
    return kept


def _is_written(width: timedelta, name: str | None, rows: Rows, world: World) -> Mask:
    kept = _is_kept(width, rows, world)
    return kept if name is None else kept & _is_known(name, rows, world)


def _is_closed(horizon: Horizon, rows: Rows, world: World) -> Mask:
    """Whether a pane lies in the closed part of a horizon: it comes too late to be added there."""
    first, last = closed_window(horizon, world.as_of)
    start = rows.keys[START]
    return (start >= _number(first, horizon.pane)) & (start <= _number(last, horizon.pane))


def _number(moment: datetime, width: timedelta) -> int:
    return (moment - EPOCH) // width


def _panes_of(
    level: Level, name: str, column: str, widths: Sequence[timedelta]
) -> Iterator[Aggregate]:
    """The panes of a scope type, each width summed up from the one before, and late sums."""
    experience = _named("experience", EXPERIENCE, of_rows=True)
    pane = Aggregate(
        "pane",
        level,
        (_start_of_measures(widths[0]), _named(SCOPE, column), _named("experience", EXPERIENCE)),
        _PANE_SUMS,
        {"resolution": widths[0] // MINUTE, "scope_type": name},
        is_written=partial(_is_written, widths[0], column),
    )
    panes = [(widths[0], pane)]
    for width, wider in pairwise(widths):
        pane = pane._replace(
            key=(
                _wider_start(width, wider),
                _named(SCOPE, column, of_rows=True),
                experience,
            ),
            fixed={"resolution": wider // MINUTE, "scope_type": name},
            source=pane,
            is_written=partial(_is_written, wider, column),
        )
        panes.append((wider, pane))
    yield from _with_sums(panes, name, column)
    if level is Level.SITES:
        of_all = [
            (
                width,
                each._replace(
                    key=(Key(START, partial(_same, START), partial(_moments, width)), experience),
                    fixed={"resolution": width // MINUTE, "scope_type": "all", SCOPE: ""},
                    source=each,
                    is_written=partial(_is_written, width, None),
                ),
            )
            for width, each in panes
        ]
        yield from _with_sums(of_all, "all", None)


def _with_sums(
    panes: Sequence[tuple[timedelta, Aggregate]], name: str, column: str | None
) -> Iterator[Aggregate]:
    """These panes, and of each horizon what is added to its closed panes."""
    for width, pane in panes:
        yield pane
        for horizon in HORIZONS:
            if horizon.pane == width and name in horizon.scope_types:
                fixed: dict[str, Any] = {"horizon": horizon.name, "scope_type": name}
                yield pane._replace(
                    table="rolling_sum",
                    key=tuple(
                        Key(each.column, partial(_same, each.column), each.shown)
                        for each in pane.key
                        if each.column != START
                    ),
                    fixed=fixed if column else {**fixed, SCOPE: ""},
                    source=pane,
                    counts=partial(_is_closed, horizon),
                    is_written=partial(_is_known, column) if column else None,
                )


_DAY_OF_SITE = Key("day", lambda measures: measures.local_day, _dates)

AGGREGATES: tuple[Aggregate, ...] = (
    *(
        aggregate
        for each in DIMENSIONS
        if each.refreshed is not None
        for aggregate in _panes_of(
            Level(each.refreshed),
            each.name,
            each.column,
            (FIVE_MINUTES, HOUR, DAY) if each.refreshed == "sites" else (HOUR, DAY),
        )
    ),
    Aggregate(
        "experience_cube",
        Level.DETAILS,
        (
            _DAY_OF_SITE,
            Key(
                "cell",
                lambda measures: measures.cell,
                lambda world, cells: world.stored_cells(cells),
            ),
            _named("experience", EXPERIENCE),
        ),
        _CUBE_SUMS,
    ),
    Aggregate(
        "duration_count",
        Level.DETAILS,
        (
            _DAY_OF_SITE,
            _named("site_id", "site_id"),
            _named("experience", EXPERIENCE),
            Key("bucket", lambda measures: measures.bucket, lambda _, buckets: buckets),
        ),
        {"n": _count},
        counts=lambda measures, _: measures.is_in("minutes"),
    ),
    *ANSWER_AGGREGATES,
)
"""All of them; an aggregate comes after the one from which it is summed up."""
HOURS_OF_SITES = next(
    each
    for each in AGGREGATES
    if each.table == "pane" and each.fixed == {"resolution": HOUR // MINUTE, "scope_type": "site"}
)
