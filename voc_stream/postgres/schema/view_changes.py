"""Makes the views what this version needs, and leaves alone those that are so already.

Replacing a view waits for all who read it, and keeps all others waiting meanwhile. A view is equal
if PostgreSQL writes its query as it writes the query that is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from voc_stream.postgres.cells.schemas import ALL_CELLS
from voc_stream.postgres.schema.all_cells import cells_of, views_of_all
from voc_stream.postgres.schema.bi_views import bi_views
from voc_stream.postgres.schema.expressions.interval_functions import INTERVAL_FUNCTIONS
from voc_stream.postgres.schema.reader_views import READER_VIEWS
from voc_stream.postgres.schema.view_comments import TOTAL_COMMENTS, VIEW_COMMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from voc_stream.postgres.cells.schemas import Schemas

_COMMENTS = """
    SELECT n.nspname || '.' || c.relname || coalesce('.' || a.attname, ''), d.description
    FROM pg_description d
    JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE n.nspname = ANY(:schemas)
"""


class Comments:
    """The comments on relations and columns of our schemas.

    One that is right is not written again.
    """

    def __init__(self, connection: Connection, *schemas: str) -> None:
        self._connection = connection
        rows = connection.execute(text(_COMMENTS), {"schemas": list(schemas)})
        self._found: dict[str, str] = {row[0]: row[1] for row in rows}

    def write(self, kind: str, name: str, comment: str) -> None:
        """Let the object `name`, with schema and without quotes, have this comment."""
        if self._found.get(name) == comment:
            return
        quoted = ".".join(f'"{part}"' for part in name.split(".", 2))
        literal = comment.replace("'", "''").replace("%", "%%")
        self._connection.exec_driver_sql(f"COMMENT ON {kind} {quoted} IS '{literal}'")


def create_views(connection: Connection, schemas: Schemas) -> None:
    """Create the views and functions for readers and for BI tools, with their comments.

    Only those that are missing or different are created.
    """
    _create_functions(connection)
    for name, statement in READER_VIEWS:
        _create_view(connection, f"{schemas.live}.{name}", statement.partition(" AS\n")[2])
    comments = Comments(connection, schemas.live, schemas.bi)
    for name, (about, columns) in (VIEW_COMMENTS | TOTAL_COMMENTS).items():
        _comment_view(comments, f"{schemas.live}.{name}", about, columns)
    if schemas.bi == ALL_CELLS:
        return
    for view in bi_views():
        _create_view(connection, f"{schemas.bi}.{view.name}", view.of(schemas.live))
        _comment_view(comments, f"{schemas.bi}.{view.name}", view.comment, view.columns)


def create_views_of_all(connection: Connection, *, without: str | None = None) -> dict[str, str]:
    """Create the views over all cells of the database, but for one, with their comments.

    If there is no cell left, there are no views.

    Whoever calls it keeps others from adding a cell meanwhile. Returns the cells that are left out,
    with their versions: they are not at the version of this program.
    """
    cells, others = cells_of(connection)
    cells = [each for each in cells if each.cell != without]
    if not cells:
        for view in reversed(bi_views()):
            connection.execute(text(f"DROP VIEW IF EXISTS {ALL_CELLS}.{view.name}"))
        return others
    comments = Comments(connection, ALL_CELLS)
    for shown in views_of_all(cells):
        _create_view(connection, f"{ALL_CELLS}.{shown.name}", shown.statement)
        _comment_view(comments, f"{ALL_CELLS}.{shown.name}", shown.comment, shown.columns)
    return others


def _create_functions(connection: Connection) -> None:
    for function in INTERVAL_FUNCTIONS:
        signature = f"{ALL_CELLS}.{function.signature}"
        found = connection.execute(
            text(
                "SELECT prosrc, obj_description(oid, 'pg_proc') FROM pg_proc"
                " WHERE oid = to_regprocedure(:signature)"
            ),
            {"signature": signature},
        ).first()
        if found is not None and tuple(found) == (function.body, function.comment):
            continue
        statement = function.statement.format(schema=ALL_CELLS).replace("%", "%%")
        connection.exec_driver_sql(f"CREATE OR REPLACE {statement}")
        comment = function.comment.replace("'", "''").replace("%", "%%")
        connection.exec_driver_sql(f"COMMENT ON FUNCTION {signature} IS '{comment}'")


def _create_view(connection: Connection, name: str, query: str) -> None:
    query = query.replace("%", "%%")
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() and _is_equal(
        connection, name, query
    ):
        return
    connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {name} AS {query}")


def _is_equal(connection: Connection, name: str, query: str) -> bool:
    # It is rolled back, not dropped: a distributed server does not know `pg_temp` on its nodes.
    with connection.begin_nested() as trial:
        connection.exec_driver_sql(f"CREATE TEMP VIEW wanted AS {query}")
        equal = connection.execute(
            text(
                "SELECT pg_get_viewdef(CAST(:name AS regclass)) ="
                " pg_get_viewdef('pg_temp.wanted'::regclass)"
            ),
            {"name": name},
        ).scalar_one()
        trial.rollback()
    return bool(equal)


def _comment_view(comments: Comments, name: str, about: str, columns: Mapping[str, str]) -> None:
    comments.write("VIEW", name, about)
    for column, comment in columns.items():
        comments.write("COLUMN", f"{name}.{column}", comment)
