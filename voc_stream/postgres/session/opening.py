"""Opens a session with PostgreSQL: sets what it needs, and reads it back.

A session of ours means the same by the same bytes, whatever the environment (`PGCLIENTENCODING`,
`PGTZ`, `PGOPTIONS`, …), the database or the role set. What an operator may decide stays as it is:
`synchronous_commit`, `default_transaction_read_only`, and how to connect (`sslmode`, pass files).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.session.deadline import deadline

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Connection

CONNECT_SECONDS = 5
OLDEST_VERSION = 15
MARK = "voc_stream.session"
POOLER = (
    "a connection pooler such as PgBouncer stands before PostgreSQL and drops the settings of a"
    " session; give VOC_DATABASE_URL"
    " the address of PostgreSQL itself (a worker keeps two connections open for as long as it runs,"
    " so there is nothing to pool)"
)
# Named as libpq names them; the address may say otherwise.
_DEFAULTS: dict[str, str] = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "voc-stream",
}
_SETTINGS = {
    # The server gives up on a worker, too. So the locks of a worker that froze or was cut off do
    # not stop the others for long.
    "statement_timeout": "20s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # Nothing here is worth taking all processors: what is read beside the stream would hold it up.
    "max_parallel_workers_per_gather": "0",
    # A role or a database may set these, and each changes what a statement or a row of ours means.
    "array_nulls": "on",
    "bytea_output": "hex",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    MARK: "on",
}
# PGTZ and PGDATESTYLE of the environment override what a connection asks for, but not a statement.
_STATEMENT = "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'"


class _Found(NamedTuple):
    """The settings that are read back from a session."""

    mark: str | None
    version: int
    encoding: str
    database: str


def parameters(database_url: str, schema: str) -> dict[str, str]:
    """What libpq is given: the address, and what every session of ours sets."""
    given = parse_dsn(database_url)
    asked = {"search_path": schema} | _SETTINGS
    ours = " ".join(
        f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in asked.items()
    )
    several = (
        {"target_session_attrs": "read-write"}
        if "," in given.get("host", "") + given.get("hostaddr", "")
        else {}
    )
    # The encoding has its own keyword: among the options it would lose to PGCLIENTENCODING.
    return (
        _DEFAULTS
        | several
        | given
        | {"client_encoding": "UTF8", "options": f"{given.get('options', '')} {ours}".strip()}
    )


def connect(database_url: str, schema: str) -> Connection:
    """Open a session that sees `schema` first.

    Raises psycopg2.Error, and StoreUnavailableError if the session cannot be worked with.
    """
    connection = psycopg2.connect(make_dsn(**parameters(database_url, schema)))
    try:
        with deadline(connection.fileno(), CONNECT_SECONDS), connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(
                "SELECT current_setting(%s, true), current_setting('server_version_num')::int /"
                " 10000,"
                " current_setting('server_encoding'), current_database()",
                (MARK,),
            )
            _require(_Found(*cursor.fetchone()))  # type: ignore[misc]  # a SELECT without FROM gives one row
            cursor.execute(_STATEMENT)
            connection.autocommit = False
    except BaseException:
        connection.close()
        raise
    return connection


def _require(found: _Found) -> None:
    """Raise StoreUnavailableError if the session cannot be worked with."""
    # This comes first: behind a pooler, a setting would be set for strangers, too.
    if found.mark != "on":
        raise StoreUnavailableError(POOLER)
    if found.version < OLDEST_VERSION:
        raise StoreUnavailableError(
            f"this is PostgreSQL {found.version}; {OLDEST_VERSION} or later is needed"
        )
    if found.encoding != "UTF8":
        raise StoreUnavailableError(
            f"the database {found.database} has the encoding {found.encoding} and cannot hold every"
            f" text:"
            " make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
