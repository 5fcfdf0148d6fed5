"""Adds contributions to the daily cube for BI.

The view `experience_daily` shows what still waits to be merged, so readers see all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import CUBE
from voc_stream.postgres.rolling.local_days import local_day_of_taken
from voc_stream.postgres.schema.reader_views import bin_of
from voc_stream.postgres.schema.sums import BINS, SUMS, merge, sums_of_measures

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Cursor

_KEY = "day, cell, experience"
_DIMENSIONS = ", ".join(each.column for each in CUBE)
_NEW_CELLS = (
    f"INSERT INTO cube_cell ({_DIMENSIONS}) SELECT {_DIMENSIONS}"
    f" FROM (SELECT DISTINCT {_DIMENSIONS} FROM taken) found WHERE NOT EXISTS"
    f" (SELECT FROM cube_cell c WHERE"
    f" {' AND '.join(f'c.{each.column} = found.{each.column}' for each in CUBE)})"
)


def merge_into_cube(cursor: Cursor) -> None:
    """Add the measures of the temporary table `taken`."""
    bins = ", ".join(f"sum(weight) FILTER (WHERE bin = {number})" for number in range(len(BINS)))
    day, calendars = local_day_of_taken(cursor)
    unit = _unit(cursor)
    # One refresh at a time gets here, so no other adds a cell meanwhile.
    cursor.execute(_NEW_CELLS)
    rows = (
        f"SELECT {_KEY}, {sums_of_measures()}, {bins}"
        f" FROM (SELECT taken.*, cell, {day} AS day, {bin_of('value', unit)} AS bin"
        f" FROM taken JOIN cube_cell USING ({_DIMENSIONS}) {calendars}) binned"
        f" GROUP BY {_KEY} ORDER BY {_KEY}"
    )
    merge(cursor, "experience_cube", _KEY, (*SUMS, *BINS), rows)


def _unit(cursor: Cursor) -> str:
    """SQL of the unit of an experience, without a join: PostgreSQL looks lists up by hash."""
    cursor.execute(
        "SELECT unit, array_agg(experience ORDER BY experience)::text FROM experience"
        " WHERE unit <> 'score' GROUP BY unit ORDER BY unit"
    )
    cases = " ".join(
        f"WHEN experience = ANY('{experiences}'::text[]) THEN '{unit}'"
        for unit, experiences in cursor
    )
    return f"CASE {cases} ELSE 'score' END" if cases else "'score'"
