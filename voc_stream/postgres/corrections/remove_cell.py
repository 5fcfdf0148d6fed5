"""Removes a cell: its tables go, and the views over all cells no longer show it."""

from __future__ import annotations

from sqlalchemy import text

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.cells.schemas import schemas_of
from voc_stream.postgres.schema.migrate import LOCK_SECONDS, keep_others_out
from voc_stream.postgres.schema.view_changes import create_views_of_all
from voc_stream.postgres.session.connection import asking


def remove_cell(database_url: str) -> None:
    """Drop the schemas of the cell that the address names, in one transaction.

    Topics and the consumer group stay. Raises StoreUnavailableError if there is no such cell.
    """
    schemas = schemas_of(database_url)
    with asking(database_url) as connection:
        connection.execute(
            text(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        )
        if not connection.execute(text(f"SELECT to_regnamespace('{schemas.live}')")).scalar():
            raise StoreUnavailableError(f"there is no cell {schemas.cell!r} in this database")
        keep_others_out(connection)
        create_views_of_all(connection, without=schemas.cell)
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schemas.bi} CASCADE"))
        connection.execute(text(f"DROP SCHEMA {schemas.live} CASCADE"))
