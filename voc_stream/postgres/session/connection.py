"""Makes and guards connections to PostgreSQL, and says what their errors mean."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import sqlalchemy
from psycopg2 import errors

from voc_stream.pipeline.ports import StoreGaveUpError, StoreUnavailableError
from voc_stream.postgres.cells.schemas import SCHEMA, schemas_of
from voc_stream.postgres.session.deadline import deadline
from voc_stream.postgres.session.error_advice import NOT_THERE_YET, explain
from voc_stream.postgres.session.opening import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.postgres.session.cursor import Connection, Cursor


DEADLINE_SECONDS = 25.0
# Each migration's file begins with its number, so the newest file says what tables are needed.
_MIGRATIONS = Path(__file__).parents[1] / "schema" / "migrations" / "versions"
SCHEMA_VERSION = max(file.stem.split("_")[0] for file in _MIGRATIONS.glob("[0-9]*.py"))
# Errors about the data itself: trying the same rows again cannot help. What the server does not
# support is a statement of ours, whatever the data, and would refuse every message.
_DATA_ERRORS = (
    psycopg2.DataError,
    # Also errors from what somebody has added to our tables: a constraint, or a trigger that raises
    # an exception.
    psycopg2.IntegrityError,
    errors.RaiseException,
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
)

# Errors that a batch can cause by itself, if it is too much for the server. The server may also be
# ill.
_GAVE_UP = (
    errors.QueryCanceled,
    errors.OutOfMemory,
    errors.ConfigurationLimitExceeded,
    errors.InternalError_,
)


def engine_for(database_url: str, *, path: str = "") -> sqlalchemy.Engine:
    """An engine whose sessions give up on locks and statements in time.

    They see the schemas of `path` first; without it, those of the cell that the address names. See
    `session/opening.py`.
    """
    live = schemas_of(database_url).live
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg2://", creator=lambda: connect(database_url, path or live), pool_size=1
    )
    return engine.execution_options(schema_translate_map={SCHEMA: live})


def require_tables(cursor: Cursor) -> None:
    """Make sure that the tables fit this version of the program.

    They stay so until the end of the transaction. Raises StoreUnavailableError if they do not fit,
    or are not there.
    """
    # Two statements: the second one sees what a migration has done while the first one waited.
    cursor.execute(
        "LOCK TABLE schema_version IN ACCESS SHARE MODE; SELECT version_num FROM schema_version"
    )
    found = [version for (version,) in cursor.fetchall()]
    if found != [SCHEMA_VERSION]:
        raise StoreUnavailableError(
            f"the tables are at version {', '.join(found) or 'none'} and this program needs"
            f" {SCHEMA_VERSION};"
            " run `voc-stream init` of the newer one"
        )


def driver_connection(proxied: sqlalchemy.PoolProxiedConnection) -> Connection:
    """The driver's own connection, for COPY."""
    return proxied.driver_connection  # type: ignore[return-value]  # SQLAlchemy cannot know the driver's class


def is_about_data(error: psycopg2.Error) -> bool:
    """Whether an error is about the rows that were sent.

    If not, it is about the connection, a lock or the server's state.
    """
    return isinstance(error, _DATA_ERRORS)


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors about the connection, locks or missing tables into StoreUnavailableError."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise StoreUnavailableError(explain(error.orig or error)) from error
    except psycopg2.Error as error:
        # A wrong statement is a mistake of ours: trying again would only hide it. Tables and rights
        # that are missing will come.
        mending = (*NOT_THERE_YET, errors.InsufficientPrivilege)
        if is_about_data(error) or (
            isinstance(error, psycopg2.ProgrammingError) and not isinstance(error, mending)
        ):
            raise
        raise _unavailable(error) from error


@contextmanager
def apart(cursor: Cursor) -> Iterator[None]:
    """Undo the body if it raises, and nothing else of the transaction.

    Raises StoreUnavailableError if the server is to blame: all of the transaction is lost then.
    """
    # A constraint that is checked only at COMMIT would not tell whose row it refuses.
    cursor.execute("SAVEPOINT apart; SET CONSTRAINTS ALL IMMEDIATE")
    try:
        with translated():
            yield
    except StoreUnavailableError:
        raise
    except Exception:
        cursor.execute("ROLLBACK TO SAVEPOINT apart; RELEASE SAVEPOINT apart")
        raise
    cursor.execute("RELEASE SAVEPOINT apart")


def _unavailable(error: psycopg2.Error) -> StoreUnavailableError:
    # An error without a code is not from the server: it closed the connection, for example because
    # its process ended.
    was_cut = isinstance(error, psycopg2.OperationalError) and error.pgcode is None
    gave_up = was_cut or isinstance(error, _GAVE_UP)
    return (StoreGaveUpError if gave_up else StoreUnavailableError)(explain(error))


@contextmanager
def guarded(connection: Connection, seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Give the block a client-side deadline, and translate its errors."""
    with translated(), deadline(connection.fileno(), seconds) as has_passed:
        try:
            yield
        except psycopg2.Error as error:
            if has_passed():
                raise StoreGaveUpError(f"PostgreSQL: no answer within {seconds:g} s") from error
            raise


def check_out(engine: sqlalchemy.Engine) -> sqlalchemy.PoolProxiedConnection:
    """Take a connection of the driver's own from the pool. Raises StoreUnavailableError."""
    try:
        with translated():
            return engine.raw_connection()
    except (
        StoreGaveUpError
    ) as error:  # as where all connections are taken: whatever was to be done is not to blame
        raise StoreUnavailableError(str(error)) from error


@contextmanager
def checked_out(engine: sqlalchemy.Engine) -> Iterator[Connection]:
    """Take the driver's own connection for the block, without a deadline.

    What is not committed is rolled back. Raises StoreUnavailableError.
    """
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
    """Take a connection for a command, in one transaction.

    Raises StoreUnavailableError if the database or its tables are not there.
    """
    engine = engine_for(database_url)
    try:
        with translated(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
