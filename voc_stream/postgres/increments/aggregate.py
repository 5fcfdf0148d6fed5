"""Says what an aggregate is: a table of sums, declared by its key and by what each measure adds.

A new aggregate is a declaration (aggregates.py). Reading, adding up, writing and moving on is the
same for all of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voc_stream.postgres.increments.grouping import Ints, Sum, group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from voc_stream.postgres.increments.levels import Level
    from voc_stream.postgres.increments.measures import Measures
    from voc_stream.postgres.increments.world import World
    from voc_stream.postgres.session.copy_csv import Value

Mask = NDArray[np.bool_]


class Rows(NamedTuple):
    """Rows of sums: the columns of their key, as integers, and what they add up to."""

    keys: dict[str, Ints]
    sums: dict[str, Sum]

    def where(self, mask: Mask) -> Rows:
        """Some of the rows."""
        return Rows(
            {name: column[mask] for name, column in self.keys.items()},
            {name: column[mask] for name, column in self.sums.items()},
        )

    def in_slices(self, rows: int) -> Iterator[Rows]:
        """All rows, so many at a time."""
        for first in range(0, len(next(iter(self.sums.values()))), rows):
            part = slice(first, first + rows)
            yield Rows(
                {name: column[part] for name, column in self.keys.items()},
                {name: column[part] for name, column in self.sums.items()},
            )


class Key(NamedTuple):
    """One column of a key.

    Attributes:
        column: its name in the table.
        of: integers that stand for its values: of measures, or of the rows of the aggregate of
            which this one is summed up.
        shown: the values that these integers stand for, as the table holds them.
    """

    column: str
    of: Callable[[Any], Ints]
    shown: Callable[[World, Sequence[int]], Sequence[Value]]


class Aggregate(NamedTuple):
    """A table of sums, or a part of one.

    Attributes:
        table: where the sums are kept. A row that adds nothing is deleted there.
        level: when it is merged.
        key: the columns of its key that differ from row to row.
        adds: the other columns: what each measure adds. Of a part that is summed up from another
            one only their names count.
        fixed: columns of the key that are the same in all rows of this part.
        source: the part from whose rows this part is summed up; None for measures.
        counts: which rows or measures count; all if it is None.
        is_written: which sums are written; those that are not may still be a source.
    """

    table: str
    level: Level
    key: tuple[Key, ...]
    adds: Mapping[str, Callable[[Measures], Sum]]
    fixed: Mapping[str, Value] = {}
    source: Aggregate | None = None
    counts: Callable[[Any, World], Mask] | None = None
    is_written: Callable[[Rows, World], Mask] | None = None

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of the whole key."""
        return (*self.fixed, *(each.column for each in self.key))

    def of_measures(self, measures: Measures, world: World) -> Rows:
        """What some measures add up to."""
        keys = [each.of(measures) for each in self.key]
        adds = {name: partial(add, measures) for name, add in self.adds.items()}
        mask = None if self.counts is None else self.counts(measures, world)
        return self._grouped(keys, adds, mask)

    def of_rows(self, rows: Rows, world: World) -> Rows:
        """What the rows of the part add up to from which this one is summed up."""
        mask = None if self.counts is None else self.counts(rows, world)
        adds = {name: partial(rows.sums.__getitem__, name) for name in self.adds}
        return self._grouped([each.of(rows) for each in self.key], adds, mask)

    def together(self, pieces: Sequence[Rows]) -> Rows:
        """Add up rows of this aggregate."""
        if len(pieces) == 1:
            return pieces[0]
        keys = [np.concatenate([one.keys[each.column] for one in pieces]) for each in self.key]
        sums = {name: partial(_one_after_the_other, pieces, name) for name in self.adds}
        return self._grouped(keys, sums)

    def _grouped(
        self,
        keys: Sequence[Ints],
        adds: Mapping[str, Callable[[], Sum]],
        mask: Mask | None = None,
    ) -> Rows:
        if mask is not None:
            keys = [each[mask] for each in keys]
            adds = {name: partial(_where, mask, add) for name, add in adds.items()}
        found, sums = group(keys, adds)
        return Rows(dict(zip((each.column for each in self.key), found, strict=True)), sums)


def _one_after_the_other(pieces: Sequence[Rows], name: str) -> Sum:
    return np.concatenate([one.sums[name] for one in pieces])


def _where(mask: Mask, add: Callable[[], Sum]) -> Sum:
    return add()[mask]
