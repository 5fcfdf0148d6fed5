"""Makes a table equal to another one by changing only the rows that differ.

So readers are not held up. Emptying a table would wait for each reader, and would keep new readers
waiting meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.schema.tables.columns import STATE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy

    from voc_stream.postgres.session.cursor import Cursor

VERSION = "version"


def repair(
    cursor: Cursor,
    table: sqlalchemy.Table,
    schemas: tuple[str, str],
    uncompared: Sequence[str],
    condition: str = "true",
) -> None:
    """Make a table of the first schema equal to that of the second.

    Only rows that fulfil the condition are changed. A row that differs only in columns that are not
    compared stays. A row that is changed gets a version beyond every version that a worker may have
    at hand, so that the worker reads it anew.
    """
    live, right = schemas
    name, columns = table.name, [column.name for column in table.columns]
    key = [column.name for column in table.primary_key.columns]
    same_key = " AND ".join(f'l."{column}" = r."{column}"' for column in key)
    compared = [column for column in columns if column not in uncompared and column not in key]
    of_live, of_right = (
        ", ".join(comparable(column, side) for column in compared) for side in ("l", "r")
    )
    cursor.execute(
        f"DELETE FROM {live}.{name} l WHERE ({condition})"
        f" AND NOT EXISTS (SELECT FROM (SELECT * FROM {right}.{name} WHERE {condition}) r"
        f" WHERE {same_key})"
    )
    names = ", ".join(f'"{column}"' for column in columns)
    changes = ", ".join(
        f'"{column}" = '
        + (
            f"greatest(l.{VERSION}, excluded.{VERSION}) + 1"
            if column == VERSION
            else f'excluded."{column}"'
        )
        for column in columns
        if column not in key
    )
    cursor.execute(
        f"INSERT INTO {live}.{name} AS l ({names}) SELECT {names} FROM {right}.{name} r WHERE"
        f" ({condition})"
        f" AND NOT EXISTS (SELECT FROM {live}.{name} l WHERE {same_key}"
        f" AND ROW({of_live}) IS NOT DISTINCT FROM ROW({of_right}))"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


def comparable(column: str, table: str | None = None) -> str:
    """SQL of a column's value in a form that can be compared.

    JSON is compared by what it says, not by how it is written.
    """
    name = f'"{column}"' if table is None else f'{table}."{column}"'
    return f"{name}::jsonb" if column in STATE_COLUMNS else name
