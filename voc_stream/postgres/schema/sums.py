"""Gives SQL of the sums that every aggregate of measures is made of.

Sums can be added and subtracted, exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.schema.tables.columns import SCORE_BINS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.postgres.session.cursor import Cursor

SUMS = (
    "n",
    "score_sum",
    "score_sq_sum",
    "expectation_n",
    "expectation_sum",
    "importance_n",
    "importance_sum",
)
_OTHER_WAYS = ("hashjoin", "mergejoin", "material", "seqscan", "bitmapscan")
BINS = tuple(f"bin_{number}" for number in range(SCORE_BINS))


def sums_of_measures() -> str:
    """SQL of SUMS over rows of `weight`, `value`, `expectation` and `importance`."""
    return (
        "sum(weight), sum(weight * value), sum(weight * value::bigint * value),"
        " coalesce(sum(weight) FILTER (WHERE expectation IS NOT NULL), 0),"
        " coalesce(sum(weight * expectation), 0),"
        " coalesce(sum(weight) FILTER (WHERE importance IS NOT NULL), 0),"
        " coalesce(sum(weight * importance), 0)"
    )


def add_up(key: str, columns: tuple[str, ...]) -> str:
    """SQL for the end of an INSERT into a table `t`: it adds to the sums that are there."""
    changes = ", ".join(f"{name} = {_added(name, 'excluded')}" for name in columns)
    return f"ON CONFLICT ({key}) DO UPDATE SET {changes}"


def _added(name: str, added: str) -> str:
    if name in BINS:  # NULL for none
        return f"coalesce(t.{name} + {added}.{name}, t.{name}, {added}.{name})"
    return f"t.{name} + {added}.{name}"


def switch(cursor: Cursor, to: str) -> None:
    """Switch `off` all ways to find a row but by its key, row by row.

    The planner does not know how a table has grown, or grows while it is written. What it then
    takes for quick took longer than the statement time-out.
    """
    cursor.execute("; ".join(f"SET LOCAL enable_{each} TO {to}" for each in _OTHER_WAYS))


def merge(
    cursor: Cursor,
    table: str,
    key: tuple[str, ...],
    columns: tuple[str, ...],
    rows: str,
) -> None:
    """Add the sums that the query `rows` gives to those of a table.

    The query gives the key and then the columns, in the order of the key. A row that then adds
    nothing to anything is deleted. Nobody else may insert rows of these keys meanwhile: INSERT …
    ON CONFLICT, which guards against that, costs a record of the log more for each row.
    """
    switch(cursor, "off")
    same = " AND ".join(f"t.{name} = s.{name}" for name in key)
    sums = {name: _added(name, "s") for name in columns}
    names = (*key, *columns)
    cursor.execute(
        f"MERGE INTO {table} t USING ({rows}) s ON {same}"
        f" WHEN MATCHED AND {_are_zero(sums)} THEN DELETE"
        f" WHEN MATCHED THEN UPDATE SET {', '.join(f'{name} = {sums[name]}' for name in sums)}"
        f" WHEN NOT MATCHED THEN INSERT ({', '.join(names)})"
        f" VALUES ({', '.join(f's.{name}' for name in names)})"
    )
    switch(cursor, "DEFAULT")


def all_zero(columns: tuple[str, ...]) -> str:
    """SQL that is true if a row adds nothing to anything.

    A count of no samples does not say so: of two samples that cancel out, one may still be in a
    queue.
    """
    return _are_zero({name: name for name in columns})


def _are_zero(sums: Mapping[str, str]) -> str:
    return " AND ".join(
        f"coalesce({sql}, 0) = 0" if name in BINS else f"{sql} = 0" for name, sql in sums.items()
    )
