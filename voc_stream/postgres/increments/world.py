"""Holds what a merge needs beside the increments: numbers of names, units, time zones, cells.

Names are numbered for the time of one merge only.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voc_stream.domain.dimensions import COLUMNS, CUBE
from voc_stream.postgres.session.staging import copy_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from voc_stream.postgres.increments.grouping import Ints
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

EXPERIENCE = "experience"
_DIMENSIONS = ", ".join(each.column for each in CUBE)
_COLUMNS = ", ".join(f'{each.column} text COLLATE "C"' for each in CUBE)
_SAME_CELL = " AND ".join(f"c.{each.column} = s.{each.column}" for each in CUBE)
# One merge of a level at a time gets here, so no other adds a cell meanwhile.
_NEW_CELLS = (
    f"INSERT INTO cube_cell ({_DIMENSIONS}) SELECT {_DIMENSIONS} FROM staged_cube_cell s"
    f" WHERE NOT EXISTS (SELECT FROM cube_cell c WHERE {_SAME_CELL}) ORDER BY place"
)
_CELLS = f"SELECT cell FROM staged_cube_cell s JOIN cube_cell c ON {_SAME_CELL} ORDER BY place"


class Names:
    """Numbers names in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbers(self, names: Iterable[str]) -> Ints:
        """The number of each name."""
        known = self._numbers
        found = [known.setdefault(name, len(known)) for name in names]
        return np.array(found, np.int32)

    def number(self, name: str) -> int:
        """The number of a name; -1 if it has not come."""
        return self._numbers.get(name, -1)

    def of(self, numbers: Sequence[int]) -> list[str]:
        """The names of these numbers."""
        names = self.all
        return [names[number] for number in numbers]

    @property
    def all(self) -> list[str]:
        """All names, in the order of their numbers."""
        return list(self._numbers)


class _Zones(NamedTuple):
    of_site: dict[str, str]
    default: str


class World:
    """What one merge knows.

    Attributes:
        as_of: the moment at which the horizons end.
        names: of each dimension, by its column, and of the experiences.
    """

    def __init__(self, cursor: Cursor, as_of: datetime) -> None:
        self._cursor = cursor
        self.as_of = as_of
        self.names = {name: Names() for name in (*COLUMNS, EXPERIENCE)}
        self._cells: dict[tuple[int, ...], int] = {}
        self._days: dict[tuple[str, int], int] = {}

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of each experience that has another than `score`."""
        self._cursor.execute("SELECT experience, unit FROM experience WHERE unit <> 'score'")
        return dict(self._cursor.fetchall())

    @cached_property
    def ratings(self) -> frozenset[str]:
        """The experiences that are ratings."""
        self._cursor.execute("SELECT experience FROM experience WHERE kind = 'rating'")
        return frozenset(name for (name,) in self._cursor.fetchall())

    @cached_property
    def outcome(self) -> str:
        """The experience that is the outcome of all others; '' if the catalogue names none."""
        self._cursor.execute("SELECT experience FROM experience WHERE is_outcome")
        (name,) = self._cursor.fetchone() or ("",)
        return str(name)

    @cached_property
    def _zones(self) -> _Zones:
        self._cursor.execute("SELECT site_id, time_zone FROM site_calendar")
        of_site: dict[str, str] = dict(self._cursor.fetchall())
        return _Zones(of_site, of_site.get("", "UTC"))

    def local_days(self, seconds: Ints, sites: Ints) -> Ints:
        """The day of each moment in the time zone of its site, in days since 1970.

        PostgreSQL says which day it is, so that its time zones hold everywhere.
        """
        zones = [self._zones.of_site.get(name, self._zones.default) for name in self._site_names()]
        if set(zones) <= {"UTC"}:
            return seconds // 86_400
        kinds = sorted(set(zones))
        zone = np.array([kinds.index(each) for each in zones], np.int64)[sites]
        days = np.empty(len(seconds), np.int64)
        for number, name in enumerate(kinds):
            here = np.flatnonzero(zone == number)
            moments, place = np.unique(seconds[here], return_inverse=True)
            days[here] = self._days_of(name, moments)[place]
        return days

    def _days_of(self, zone: str, moments: Ints) -> Ints:
        """Days of moments. If both ends of a quarter of an hour are in one day, so is all of it."""
        quarters, place = np.unique(moments // 900, return_inverse=True)
        first = self._ask_days(zone, quarters * 900)
        last = self._ask_days(zone, quarters * 900 + 899)
        days = first[place]
        split = np.flatnonzero((first != last)[place])
        days[split] = self._ask_days(zone, moments[split])
        return days

    def _ask_days(self, zone: str, moments: Ints) -> Ints:
        asked = [each for each in moments.tolist() if (zone, each) not in self._days]
        if asked:
            self._cursor.execute(
                "SELECT second, (to_timestamp(second) AT TIME ZONE %s)::date - date '1970-01-01'"
                " FROM unnest(%s::bigint[]) second",
                (zone, asked),
            )
            self._days.update({(zone, second): day for second, day in self._cursor})
        return np.array([self._days[zone, each] for each in moments.tolist()], np.int64)

    def _site_names(self) -> list[str]:
        return self.names["site_id"].all

    def cells(self, combinations: Iterable[tuple[int, ...]]) -> Ints:
        """A number for each combination of names of the dimensions of the cube."""
        known = self._cells
        return np.array([known.setdefault(each, len(known)) for each in combinations], np.int64)

    def stored_cells(self, numbers: Sequence[int]) -> list[int]:
        """The same cells as `cube_cell` numbers them; those that are new are added to it."""
        self._cursor.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS staged_cube_cell (place int, {_COLUMNS})"
            " ON COMMIT DELETE ROWS; TRUNCATE staged_cube_cell"
        )
        names = [self.names[each.column].all for each in CUBE]
        wanted = sorted(set(numbers))
        combinations = list(self._cells)
        rows: Iterable[tuple[Value, ...]] = (
            (place, *[of[one] for of, one in zip(names, combinations[place], strict=True)])
            for place in wanted
        )
        columns = ("place", *(each.column for each in CUBE))
        copy_rows(self._cursor, "staged_cube_cell", columns, rows)
        self._cursor.execute(f"ANALYZE staged_cube_cell; {_NEW_CELLS}")
        self._cursor.execute(_CELLS)
        stored = dict(zip(wanted, [cell for (cell,) in self._cursor], strict=True))
        return [stored[number] for number in numbers]
