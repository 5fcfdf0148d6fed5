"""Says in which schemas a cell lies: the address of a database names the cell.

The cell without a name lies in `voc`, and BI tools read it in `voc_bi`. The cell `north` lies in
`voc_north` and `voc_north_bi`. A session sees the tables of its own cell first, so a statement
names no schema. What names one all the same says `voc`, as migrations do, and is translated.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from psycopg2.extensions import parse_dsn
from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy

SCHEMA = "voc"
ALL_CELLS = "voc_bi"
"""The schema in which BI tools read all cells of a database."""
CELL_SCHEMA = r"^voc(_(?!(all|bi|rebuild)$)[a-z][a-z0-9]*)?$"
"""What the schema of a cell is called, as a regular expression of PostgreSQL's."""
_CELL = re.compile(r"-c *voc_stream\.cell=([a-z0-9]*)")
_NAMED = re.compile(rf"\b{SCHEMA}(?=\.\w|, pg_temp)")


class Schemas(NamedTuple):
    """The schemas of a cell.

    Attributes:
        cell: its name; '' for the cell without one.
        live: the tables.
        bi: the cell as BI tools see it.
        scratch: where `rebuild` computes the tables anew.
    """

    cell: str
    live: str
    bi: str
    scratch: str


def schemas_of(database_url: str) -> Schemas:
    """The schemas of the cell that an address names.

    >>> schemas_of("postgresql://voc@db/voc")
    Schemas(cell='', live='voc', bi='voc_bi', scratch='voc_rebuild')
    >>> schemas_of("postgresql://voc@db/voc?options=-c%20voc_stream.cell%3Dnorth").bi
    'voc_north_bi'
    """
    named = _CELL.findall(parse_dsn(database_url).get("options", ""))
    return schemas_of_cell(named[-1] if named else "")


def schemas_of_cell(cell: str) -> Schemas:
    """The schemas of a cell; '' is the cell without a name."""
    live = f"{SCHEMA}_{cell}" if cell else SCHEMA
    return Schemas(cell, live, f"{live}_bi", f"{live}_rebuild")


def translate(statement: str, live: str) -> str:
    """A statement about the tables of `voc`, for those of another cell.

    >>> translate("ALTER TABLE voc.pane SET LOGGED", "voc_north")
    'ALTER TABLE voc_north.pane SET LOGGED'
    """
    return _NAMED.sub(live, statement)


@contextmanager
def translating(connection: sqlalchemy.Connection, live: str) -> Iterator[None]:
    """Let each statement of the block be about the tables of this cell."""

    def translated(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: object,
        _context: object,
        _executemany: object,
    ) -> tuple[str, object]:
        return translate(statement, live), parameters

    event.listen(connection, "before_cursor_execute", translated, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", translated)
