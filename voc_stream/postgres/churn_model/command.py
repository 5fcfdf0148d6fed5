"""Begins the transaction of a command about the churn model."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from voc_stream.postgres.schema.installation import require_catalogue
from voc_stream.postgres.session.connection import (
    checked_out,
    engine_for,
    guarded,
    require_tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

DEADLINE_SECONDS = 600.0


@contextmanager
def in_transaction(database_url: str, catalogue: Catalogue) -> Iterator[Cursor]:
    """The cursor of a transaction, which is committed unless the block raises.

    Raises StoreUnavailableError.
    """
    engine = engine_for(database_url)
    try:
        with (
            checked_out(engine) as connection,
            guarded(connection, DEADLINE_SECONDS),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '120s'")
            require_tables(cursor)
            require_catalogue(cursor, catalogue)
            yield cursor
            connection.commit()
    finally:
        engine.dispose()
