"""Gives SQL of the sums that every aggregate of measures is made of.

Sums can be added and subtracted, exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.schema.tables.columns import SCORE_BINS

if TYPE_CHECKING:
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
    changes = ", ".join(f"{name} = {_added(name)}" for name in columns)
    return f"ON CONFLICT ({key}) DO UPDATE SET {changes}"


def _added(name: str) -> str:
    if name in BINS:  # NULL for none
        return f"coalesce(t.{name} + excluded.{name}, t.{name}, excluded.{name})"
    return f"t.{name} + excluded.{name}"


def merge(
    cursor: Cursor,
    table: str,
    key: str,
    columns: tuple[str, ...],
    rows: str,
    *,
    parameters: tuple[object, ...] | None = None,
) -> None:
    """Add the sums that the query `rows` gives to those of a table.

    The query gives the key and then the columns. A row that then adds nothing to anything is
    deleted by its place, which the insertion tells. Rows were once joined by their keys: in tables
    that had grown since the planner last counted them, that took longer than the statement
    time-out.
    """
    cursor.execute(
        f"WITH merged AS (INSERT INTO {table} AS t ({key}, {', '.join(columns)}) {rows}"
        f" {add_up(key, columns)}"
        f" RETURNING t.ctid AS place, {all_zero(columns)} AS is_empty) SELECT place FROM merged"
        " WHERE is_empty",
        parameters,
    )
    empty = [place for (place,) in cursor.fetchall()]
    if empty:
        # The second condition is only for safety: a place may hold another row if a table has
        # parts.
        cursor.execute(
            f"DELETE FROM {table} WHERE ctid = ANY(%s::tid[]) AND {all_zero(columns)}", (empty,)
        )


def all_zero(columns: tuple[str, ...]) -> str:
    """SQL that is true if a row adds nothing to anything.

    A count of no samples does not say so: of two samples that cancel out, one may still be in a
    queue.
    """
    return " AND ".join(
        f"coalesce({name}, 0) = 0" if name in BINS else f"{name} = 0" for name in columns
    )
