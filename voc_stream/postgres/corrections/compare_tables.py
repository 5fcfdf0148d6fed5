"""Compares the live tables with those that were computed anew, row by row."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import CUBE_KEY
from voc_stream.domain.horizons import PANES_KEPT
from voc_stream.postgres.corrections.repair import comparable
from voc_stream.postgres.schema import all_tables as tables
from voc_stream.postgres.schema.view_comments import VIEW_COMMENTS
from voc_stream.postgres.schema.views.complaint_texts import TEXT_KEYS
from voc_stream.postgres.schema.views.durations import DURATION_KEYS
from voc_stream.postgres.schema.views.iceberg import ICEBERG_KEYS

if TYPE_CHECKING:
    import sqlalchemy

    from voc_stream.postgres.cells.schemas import Schemas
    from voc_stream.postgres.session.cursor import Cursor

MINUTE = timedelta(minutes=1)
_STATES = (tables.repair_order, tables.complaint, tables.customer_state)
# `version` counts writes. `next_change_at` may be early: it is kept when a customer is merely seen
# again. A risk that is found again keeps the `as_of` of its row.
NOT_DERIVED = ("version", "next_change_at", "as_of")
# A pane of nothing is as good as none, and older ones are purged in their time.
_PANES_KEPT = " OR ".join(
    f"resolution = {width // MINUTE} AND start >= (SELECT max(as_of)"
    f" FROM rolling_clock) - interval '{kept.days} days'"
    for width, kept in PANES_KEPT.items()
)
PANES_COMPARED = f"n <> 0 AND ({_PANES_KEPT})"


class TableComparison(NamedTuple):
    """How many rows a table has, and how many differ from what the events say.

    A row differs if it is missing, superfluous, or has other values.
    """

    table: str
    rows: int
    differing: int


def compare_tables(cursor: Cursor, schemas: Schemas) -> list[TableComparison]:
    """How many rows each table has, and how many differ.

    It sorts, in files if need be. A hashed EXCEPT never goes to files, whatever `work_mem` says,
    and the planner expects few rows of new tables: 4,200,000 panes took 3 GB.
    """
    cursor.execute("SET LOCAL enable_hashagg = off")
    found = [_compare(cursor, schemas, *what) for what in _comparisons()]
    cursor.execute("SET LOCAL enable_hashagg TO DEFAULT")
    return found


def _comparisons() -> list[tuple[str, tuple[str, ...], list[str], str]]:
    """What is compared: the name, the key, the columns (as expressions), and which rows."""
    found = [
        (
            table.name.removesuffix("_state"),  # as its readers know it
            _key(table),
            [comparable(name) for name in _columns(table) if name not in NOT_DERIVED],
            "true",
        )
        for table in (
            *_STATES,
            tables.churn_risk,
            tables.churn_history,
            tables.churn_cell,
            tables.customer_moment,
            tables.complaint_text,
            tables.complaint_gram,
            tables.text_suggestion,
            tables.complaint_term,
            tables.answer_product,
            tables.answer_band,
        )
    ]
    found.append(
        (
            "pane",
            _key(tables.pane),
            [comparable(name) for name in _columns(tables.pane)],
            PANES_COMPARED,
        )
    )
    keys = {
        "experience_daily": CUBE_KEY,
        "rolling_satisfaction": ("horizon", "scope_type", "scope", "experience"),
        "repair_stage": ("order_id", "stage"),
        **DURATION_KEYS,
        **ICEBERG_KEYS,
        **TEXT_KEYS,
    }
    return found + [
        (
            view,
            keys[view],
            [comparable(name) for name in columns],
            "true",
        )
        for view, (_, columns) in VIEW_COMMENTS.items()
        if view in keys
    ]


def _key(table: sqlalchemy.Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key.columns)


def _columns(table: sqlalchemy.Table) -> list[str]:
    return [column.name for column in table.columns]


def _compare(  # noqa: PLR0917  the last four are one comparison
    cursor: Cursor,
    schemas: Schemas,
    name: str,
    key: tuple[str, ...],
    columns: list[str],
    condition: str,
) -> TableComparison:
    live, scratch = (
        f"SELECT {', '.join(columns)} FROM {schema}.{name} WHERE {condition}"
        for schema in (schemas.live, schemas.scratch)
    )
    cursor.execute(
        f"SELECT (SELECT count(*) FROM {schemas.live}.{name} WHERE {condition}),"
        f" (SELECT count(*) FROM (SELECT {', '.join(key)} FROM"
        f" (({live} EXCEPT {scratch}) UNION ALL ({scratch} EXCEPT {live})) differing"
        f" GROUP BY {', '.join(key)}) keys)"
    )
    rows, differing = cursor.fetchone()  # type: ignore[misc]  # a SELECT without FROM gives one row
    return TableComparison(name, rows, differing)
