"""Merges what waits into the tables of sums: one code for all aggregates.

Many batches' increments are added up in memory, so that a row of a table is written once for all of
them. Memory grows with the distinct keys, not with the increments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.postgres.increments.aggregates import AGGREGATES
from voc_stream.postgres.increments.increment_rows import move_on, read_waiting
from voc_stream.postgres.increments.levels import LEVELS
from voc_stream.postgres.increments.measures import Measures
from voc_stream.postgres.increments.world import World
from voc_stream.postgres.schema.sums import BINS, merge
from voc_stream.postgres.session.staging import copy_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from voc_stream.pipeline.ports import Partition
    from voc_stream.postgres.increments.aggregate import Aggregate, Rows
    from voc_stream.postgres.increments.levels import Level
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

PIECES = 8
"""So many pieces of rows are kept before they are added up: more take more memory."""

ROWS_A_TIME = 10_000
"""So many rows are formatted at once: a row takes a hundred times the memory of its sums."""


class Merged(NamedTuple):
    """What was merged.

    Attributes:
        measures: how many measures.
        world: what their names are.
        sums: what was added to each aggregate, and what its other rows are that are not written.
    """

    measures: int
    world: World
    sums: Mapping[int, Rows]

    def of(self, aggregate: Aggregate) -> Rows | None:
        """The rows of an aggregate; None if nothing was merged."""
        return self.sums.get(id(aggregate))


def merge_waiting(
    cursor: Cursor,
    level: Level,
    as_of: datetime,
    measures: int,
    aggregates: Sequence[Aggregate] = AGGREGATES,
) -> Merged:
    """Merge about so many measures that wait, at most. The horizons end at `as_of`."""
    world = World(cursor, as_of)
    adding = _Adding(world, [each for each in aggregates if each.level == level])
    passed: dict[Partition, int] = {}
    taken = 0
    for piece in read_waiting(cursor, level, measures):
        adding.add(Measures([each.data for each in piece], world))
        passed.update((each.source, each.number) for each in piece)
        taken += sum(each.measures for each in piece)
    if not passed:
        return Merged(0, world, {})
    sums = adding.sums()
    tables: dict[str, list[tuple[Aggregate, Rows]]] = {}
    for aggregate, rows in sums:
        tables.setdefault(aggregate.table, []).append((aggregate, rows))
    for table, parts in tables.items():
        _write(cursor, world, table, parts)
    move_on(cursor, level, passed, LEVELS)
    return Merged(taken, world, {id(aggregate): rows for aggregate, rows in sums})


class _Adding:
    """Adds up measures for some aggregates."""

    def __init__(self, world: World, aggregates: Sequence[Aggregate]) -> None:
        self._world = world
        self._aggregates = aggregates
        self._pieces: list[tuple[Aggregate, list[Rows]]] = [
            (each, []) for each in aggregates if each.source is None
        ]

    def add(self, measures: Measures) -> None:
        """Add measures."""
        for aggregate, pieces in self._pieces:
            pieces.append(aggregate.of_measures(measures, self._world))
            if len(pieces) > PIECES:
                pieces[:] = [aggregate.together(pieces)]

    def sums(self) -> list[tuple[Aggregate, Rows]]:
        """What each aggregate adds up to; nothing can be added then."""
        found: dict[int, Rows] = {}
        while self._pieces:  # what is added up makes room for what comes
            each, pieces = self._pieces.pop()
            found[id(each)] = each.together(pieces)
        for each in self._aggregates:
            if each.source is not None:
                found[id(each)] = each.of_rows(found[id(each.source)], self._world)
        return [(each, found[id(each)]) for each in self._aggregates]


def _written(aggregate: Aggregate, rows: Rows, world: World) -> Rows:
    kept = np.logical_or.reduce([column != 0 for column in rows.sums.values()])
    if aggregate.is_written is not None:
        kept &= aggregate.is_written(rows, world)
    return rows.where(kept)


def _write(
    cursor: Cursor, world: World, table: str, parts: Sequence[tuple[Aggregate, Rows]]
) -> None:
    """Copy all parts of a table, and add them by one statement."""
    first, _ = parts[0]
    staged, columns = f"staged_{table}", (*first.key_columns, *first.adds)
    cursor.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {staged} (LIKE {table}) ON COMMIT DELETE ROWS;"
        f" TRUNCATE {staged}"
    )
    for aggregate, rows in parts:
        names = (*aggregate.key_columns, *aggregate.adds)
        for some in _written(aggregate, rows, world).in_slices(ROWS_A_TIME):
            copy_rows(cursor, staged, names, _values(world, aggregate, some))
    # They need no order: nobody else writes these rows. Rows that are near each other in the table
    # come together already, and to sort them by their texts took a quarter of the time.
    query = f"SELECT {', '.join(columns)} FROM {staged}"
    merge(cursor, table, first.key_columns, tuple(first.adds), query)


def _values(world: World, aggregate: Aggregate, rows: Rows) -> Iterator[Sequence[Value]]:
    """Rows as the table holds them."""
    count = len(next(iter(rows.sums.values())))
    columns: list[Sequence[Value]] = [[value] * count for value in aggregate.fixed.values()]
    columns += [each.shown(world, rows.keys[each.column].tolist()) for each in aggregate.key]
    columns += [
        [value or None for value in column.tolist()] if name in BINS else column.tolist()
        for name, column in rows.sums.items()
    ]
    return zip(*columns, strict=True)
