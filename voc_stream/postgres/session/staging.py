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
    """Create temporary twins of the tables into which rows are merged.

    They are empty at the start of every transaction.
    """
    for table in STAGED_TABLES:
        cursor.execute(
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
