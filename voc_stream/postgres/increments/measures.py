"""Unpacks increments into columns, with one row for each measure."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from voc_stream.domain.dimensions import COLUMNS, CUBE
from voc_stream.domain.durations import EDGES
from voc_stream.postgres.increments.answer_pairs import AgainstOutcome, Pairs
from voc_stream.postgres.increments.encoding import NOT_STATED, Increment, unpack_whole
from voc_stream.postgres.increments.grouping import combined
from voc_stream.postgres.increments.world import EXPERIENCE
from voc_stream.postgres.schema.tables.columns import SCORE_BINS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voc_stream.postgres.increments.grouping import Ints
    from voc_stream.postgres.increments.world import World

_LAST_BIN = SCORE_BINS - 1
_MINUTE_BINS = np.array([500 * 2**number for number in range(_LAST_BIN)], np.int64)
_BUCKETS = np.array(EDGES[1:], np.int64)


class Measures:
    """Columns of measures, all of the same length.

    Attributes:
        world: numbers the names.
        names: of each dimension by its column, and of `experience`: the number of its name.
    """

    def __init__(self, increments: Iterable[bytes], world: World) -> None:
        unpacked = [unpack_whole(data) for data in increments]
        parts = [_columns_of(each, world) for each in unpacked]
        self._counts = [_unpack(each.counts) for each in unpacked]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        self.world = world
        self._seconds, self._weight, *dimensions = columns[: 2 + len(COLUMNS)]
        experience, *said = columns[2 + len(COLUMNS) :]
        self._value, self._expectation, self._importance = said
        self.names = dict(zip((*COLUMNS, EXPERIENCE), (*dimensions, experience), strict=True))

    # Columns are kept as narrow as they were stored, and widened to be reckoned with.
    @property
    def seconds(self) -> Ints:
        """When each counts, in seconds since 1970."""
        return self._seconds.astype(np.int64)

    @property
    def weight(self) -> Ints:
        """1 adds, -1 takes back."""
        return self._weight.astype(np.int64)

    @property
    def value(self) -> Ints:
        """In hundredths."""
        return self._value.astype(np.int64)

    @property
    def expectation(self) -> Ints:
        """`NOT_STATED` if none was."""
        return self._expectation.astype(np.int64)

    @property
    def importance(self) -> Ints:
        """`NOT_STATED` if none was."""
        return self._importance.astype(np.int64)

    @cached_property
    def event(self) -> Ints:
        """A number for each event: its measures stand one after the other."""
        counts = np.concatenate(self._counts)
        return np.repeat(np.arange(len(counts), dtype=np.int32), counts)

    @cached_property
    def pairs(self) -> Pairs:
        """Pairs of ratings that one event gave."""
        return Pairs(self.world, self.names[EXPERIENCE], self.event)

    @cached_property
    def paired(self) -> tuple[Ints, Ints, Ints]:
        """The weight of each pair, and its two values; six sums are made of them."""
        first, second = self.pairs.first, self.pairs.second
        # A score has at most a thousand hundredths, and its square at most a million.
        columns = self._weight[first], self._value[first], self._value[second]
        weight, one, other = (column.astype(np.int32) for column in columns)
        return weight, one, other

    @cached_property
    def against_outcome(self) -> AgainstOutcome:
        """Ratings beside the outcome that the same event gave."""
        return AgainstOutcome(self.world, self.names[EXPERIENCE], self.pairs, self.value)

    @cached_property
    def month(self) -> Ints:
        """The month at the site, in months since 1970."""
        days = self.local_day.astype("datetime64[D]")
        return days.astype("datetime64[M]").astype(np.int64)

    @cached_property
    def local_day(self) -> Ints:
        """The day at the site, in days since 1970."""
        return self.world.local_days(self.seconds, self.names["site_id"])

    @cached_property
    def cell(self) -> Ints:
        """The number of the combination of dimensions."""
        columns = [self.names[each.column] for each in CUBE]
        key, _ = combined(columns)
        _, example, place = np.unique(key, return_index=True, return_inverse=True)
        found = zip(*[column[example].tolist() for column in columns], strict=True)
        return self.world.cells(found)[place]

    def is_in(self, unit: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether each is measured in a unit."""
        units, names = self.world.units, self.world.names[EXPERIENCE].all
        are = np.array([units.get(name, "score") == unit for name in names], np.bool_)
        found: np.ndarray[tuple[int], np.dtype[np.bool_]] = are[self.names[EXPERIENCE]]
        return found

    @cached_property
    def bin(self) -> Ints:
        """The bin of the histogram, as `bin_of` of the views says it in SQL."""
        value = self.value
        toward_zero = np.sign(value) * (np.abs(value) // np.where(self.is_in("percent"), 2000, 100))
        return np.where(
            self.is_in("minutes"),
            np.searchsorted(_MINUTE_BINS, value, side="right"),
            np.minimum(toward_zero, _LAST_BIN),
        )

    @cached_property
    def bucket(self) -> Ints:
        """The narrow bucket of a duration."""
        return np.searchsorted(_BUCKETS, self.value, side="right")


def _columns_of(increment: Increment, world: World) -> list[Ints]:
    """The columns of one increment, in the order in which `Measures` takes them."""
    counts = _unpack(increment.counts)
    columns = [_unpack(increment.seconds), _unpack(increment.weights)]
    for name, found, numbers in zip(COLUMNS, increment.names, increment.dimensions, strict=False):
        columns.append(world.names[name].numbers(found)[_unpack(numbers)])
    columns += [  # dimensions that were added since
        world.names[name].numbers([""] * len(counts)) for name in COLUMNS[len(increment.names) :]
    ]
    columns = [np.repeat(column, counts) for column in columns]
    experience = world.names[EXPERIENCE].numbers(increment.experiences)
    columns.append(experience[_unpack(increment.measured)])
    columns.append(_unpack(increment.values))
    stated = _unpack(increment.stated)
    for packed in (increment.expectations, increment.importances):
        said = _unpack(packed)
        column = np.full(len(columns[-1]), NOT_STATED, said.dtype)
        column[stated] = said
        columns.append(column)
    return columns


def _unpack(packed: bytes) -> Ints:
    return np.frombuffer(packed, f"<{_KINDS[packed[:1]]}", offset=1)


_KINDS = {b"b": "i1", b"h": "i2", b"i": "i4", b"q": "i8"}
