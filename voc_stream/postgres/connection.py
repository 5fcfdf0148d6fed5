"""Connections to PostgreSQL: how they are made, guarded, and which errors mean what."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
import sqlalchemy
from psycopg2 import errors

from voc_stream.ports import StoreUnavailableError
from voc_stream.postgres.deadline import deadline
from voc_stream.postgres.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812  psycopg2 names its class in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812  likewise

DEADLINE_SECONDS = 25.0
SCHEMA_VERSION = "0005"  # the newest migration
_OPTIONS = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "voc-stream",
}
# Errors about the data itself: trying the same rows again cannot help.
_DATA_ERRORS = (
    psycopg2.DataError,
    errors.UniqueViolation,
    psycopg2.NotSupportedError,
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
)

_NOT_THERE_YET = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)


def engine_for(database_url: str, *, schema: str = "voc") -> sqlalchemy.Engine:
    """An engine whose connections see `schema` first and give up on locks and statements in time.

    The server gives up on a worker, too, so that the locks of one that froze or was cut off do not stop the others for long.
    """
    settings = (
        f"-c search_path={schema},public -c timezone=UTC -c statement_timeout=20s -c lock_timeout=10s"
        " -c idle_in_transaction_session_timeout=30s"
        # Nothing here is worth taking all processors: what is read on the side would hold up the stream.
        " -c max_parallel_workers_per_gather=0"
        " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10s"
    )
    url = sqlalchemy.make_url(database_url).set(drivername="postgresql+psycopg2")
    return sqlalchemy.create_engine(url, connect_args={**_OPTIONS, "options": settings}, pool_size=1)


def _explained(error: BaseException) -> str:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, _NOT_THERE_YET):
        return f"PostgreSQL: {first_line}; run `voc-stream init` first"
    advice = "; check VOC_DATABASE_URL and the server" if "connection to server" in first_line else ""
    return f"PostgreSQL: {first_line}{advice}"


def require_tables(cursor: Cursor) -> None:
    """Make sure that the tables are of this version of the program, and stay so until the end of the transaction.

    Raises StoreUnavailableError where they are not, or not there.
    """
    # Two statements: the second one sees what a migration has done while the first one waited for it.
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (Lock.TABLES,))
    cursor.execute("SELECT version_num FROM schema_version")
    found = [version for (version,) in cursor.fetchall()]
    if found != [SCHEMA_VERSION]:
        raise StoreUnavailableError(
            f"the tables are at version {', '.join(found) or 'none'} and this program needs {SCHEMA_VERSION};"
            " run `voc-stream init` of the newer one"
        )


def driver_connection(proxied: sqlalchemy.PoolProxiedConnection) -> Connection:
    """The driver's own connection, for COPY."""
    return proxied.driver_connection  # type: ignore[return-value]  # SQLAlchemy cannot know the driver's class


def is_about_data(error: psycopg2.Error) -> bool:
    """Whether an error is about the rows sent, not about the connection, a lock or the server's state."""
    return isinstance(error, _DATA_ERRORS)


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors about the connection, locks or missing tables into StoreUnavailableError."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise StoreUnavailableError(_explained(error.orig or error)) from error
    except psycopg2.Error as error:
        # A wrong statement is a mistake of ours: trying again would only hide it. Tables that are missing will come.
        if is_about_data(error) or (isinstance(error, psycopg2.ProgrammingError) and not isinstance(error, _NOT_THERE_YET)):
            raise
        raise StoreUnavailableError(_explained(error)) from error


@contextmanager
def guarded(connection: Connection, seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Give the block a client-side deadline, and translate its errors."""
    with translated(), deadline(connection.fileno(), seconds):
        yield


def check_out(engine: sqlalchemy.Engine) -> sqlalchemy.PoolProxiedConnection:
    """A connection of the driver's own, in the pool's hands. Raises StoreUnavailableError."""
    with translated():
        return engine.raw_connection()


@contextmanager
def checked_out(engine: sqlalchemy.Engine) -> Iterator[Connection]:
    """The driver's own connection for the block, without a deadline; what is not committed is rolled back. Raises StoreUnavailableError."""
    proxied = check_out(engine)
    try:
        with translated():
            yield driver_connection(proxied)
    except StoreUnavailableError:
        proxied.invalidate()
        raise
    finally:
        proxied.close()


@contextmanager
def asking(database_url: str) -> Iterator[sqlalchemy.Connection]:
    """A connection for a command, in one transaction. Raises StoreUnavailableError where the database or its tables are not there."""
    engine = engine_for(database_url)
    try:
        with translated(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
