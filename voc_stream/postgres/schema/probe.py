"""Probes whether PostgreSQL is well, on a connection of its own, when a batch has failed.

If the probe succeeds, the batch itself is to blame, or a lock on what the batch touches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.extensions import make_dsn

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.schema.installation import require_catalogue
from voc_stream.postgres.session.connection import checked_out, engine_for, guarded, require_tables
from voc_stream.postgres.session.locks import wait_as_a_batch_does

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.cursor import Cursor

PROBE_SECONDS = 2.0
"""A server that takes longer for next to nothing is ill."""


def probe(
    database_url: str, seconds: float = PROBE_SECONDS, catalogue: Catalogue | None = None
) -> None:
    """Make a transaction durable that costs next to nothing.

    Raises StoreUnavailableError with the cause: the server is away, hangs, is slow, cannot write
    its log, or may not write at all. Or the tables are of another version or catalogue, or somebody
    holds all writers off, as `rebuild` does.
    """
    engine = engine_for(
        make_dsn(database_url, connect_timeout=max(2, round(seconds)))
    )  # libpq takes 1 for 2
    try:
        with (
            checked_out(engine) as connection,
            guarded(connection, seconds),
            connection.cursor() as cursor,
        ):
            _require_writable(cursor)
            require_tables(cursor)
            if catalogue is not None:
                require_catalogue(cursor, catalogue)
            wait_as_a_batch_does(cursor)
            # Only the server's log is written, which must work; no table need be touched for it.
            cursor.execute("SELECT pg_logical_emit_message(true, 'voc-stream', 'probe')")
            connection.commit()
    finally:
        engine.dispose()


def _require_writable(cursor: Cursor) -> None:
    cursor.execute("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean")
    in_recovery, read_only = cursor.fetchone() or (False, False)
    if in_recovery:
        raise StoreUnavailableError(
            "PostgreSQL: the server is a standby and takes in nothing; check VOC_DATABASE_URL"
        )
    if read_only:
        raise StoreUnavailableError(
            "PostgreSQL: the database is read-only; check default_transaction_read_only"
        )
