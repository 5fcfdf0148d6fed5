"""Copies rows into a table, or into a temporary one from which they are merged."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from voc_stream.postgres.session.copy_csv import COPY_OPTIONS, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

STAGED_TABLES = (
    "touchpoint_event",
    "retraction",
    "repair_order",
    "complaint",
    "customer_state",
    "churn_risk",
)


def create_staging_tables(cursor: Cursor) -> None:
    """Create temporary twins of all tables into which rows are merged, as `stage` does of one."""
    for table in STAGED_TABLES:
        cursor.execute(_create(table))


def stage(cursor: Cursor, table: str, columns: Sequence[str], data: bytes) -> None:
    """Append rows that `lines` made to the temporary twin of a table.

    It is made where it is missing, and it is empty at the start of every transaction. PostgreSQL
    empties all twins that a session has at each commit: so there is none that is not needed.
    """
    cursor.execute(_create(table))
    copy_lines(cursor, f"staged_{table}", columns, data)


def _create(table: str) -> str:
    return (
        f"CREATE TEMP TABLE IF NOT EXISTS staged_{table} (LIKE {table} INCLUDING DEFAULTS) ON"
        f" COMMIT DELETE ROWS"
    )


def copy_rows(
    cursor: Cursor, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]
) -> None:
    """Append rows to a table."""
    copy_lines(cursor, table, columns, lines(rows))


def copy_lines(cursor: Cursor, table: str, columns: Sequence[str], data: bytes) -> None:
    """Append rows that `lines` made."""
    if data:
        names = ", ".join(f'"{name}"' for name in columns)
        cursor.copy_expert(
            f"COPY {table} ({names}) FROM STDIN {COPY_OPTIONS}", BytesIO(data), 1 << 18
        )
