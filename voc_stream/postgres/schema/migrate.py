"""Makes the database what this version needs: roles, schemas, tables, views, rights and comments.

Safe to repeat, and to run at once in many places.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg2.errors import DependentObjectsStillExist, InsufficientPrivilege, LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.cells.schemas import ALL_CELLS, SCHEMA, schemas_of, translating
from voc_stream.postgres.schema.bi_views import bi_views
from voc_stream.postgres.schema.installation import make_installation
from voc_stream.postgres.schema.reader_views import READER_VIEWS
from voc_stream.postgres.schema.view_changes import Comments, create_views, create_views_of_all
from voc_stream.postgres.session.blockers import BlockerWatch
from voc_stream.postgres.session.connection import SCHEMA_VERSION, engine_for, translated
from voc_stream.postgres.session.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from voc_stream.postgres.cells.schemas import Schemas

BI_ROLE = "voc_bi"
LOCK_SECONDS = 120
_OF_BI = "Views for BI tools / 供BI工具查询的视图"

log = logging.getLogger(__name__)


def migrate(database_url: str, say: Callable[[str], None] = log.info) -> None:
    """Bring the cell that the address names up to date, and the views over all cells with it.

    `say` is told, in words for an operator, for which session it waits, and which cells those views
    leave out. Raises StoreUnavailableError if the database cannot be reached or changed.
    """
    engine = engine_for(database_url)
    try:
        with translated(), engine.begin() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with BlockerWatch(database_url, pid, say) as blockers:
                try:
                    others = _migrate(connection, schemas_of(database_url))
                except sqlalchemy.exc.OperationalError as error:
                    if blockers.last is None or not isinstance(error.orig, LockNotAvailable):
                        raise
                    raise StoreUnavailableError(
                        f"the tables are locked for {LOCK_SECONDS} s already by {blockers.last}:"
                        " end that session, with pg_terminate_backend if need be, and run"
                        " `voc-stream init` again"
                    ) from error
    finally:
        engine.dispose()
    for cell, version in others.items():
        say(
            f"the cell {cell or 'without a name'} is at version {version}, so {ALL_CELLS} leaves it"
            " out: run `voc-stream init` for it, too"
        )


_IS_VIEW = "SELECT relkind = 'v' FROM pg_class WHERE oid = to_regclass(:name)"


def _migrate(connection: Connection, schemas: Schemas) -> dict[str, str]:
    connection.execute(
        text(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    )
    _create_role(connection)
    _create_schemas(connection, schemas)
    _make_way(connection, schemas)
    try:
        # Migrations say `voc` for whatever cell they change.
        with translating(connection, schemas.live):
            command.upgrade(_alembic_config(connection, schemas.live), "head")
    except CommandError as error:
        raise StoreUnavailableError(
            f"the tables were made by another version of voc-stream ({error}); upgrade this one"
        ) from error
    connection.execute(
        text(f"INSERT INTO {schemas.live}.lock SELECT unnest(:locks) ON CONFLICT DO NOTHING"),
        {"locks": list(Lock)},
    )
    make_installation(connection.connection.cursor())  # type: ignore[arg-type]  # SQLAlchemy cannot know the driver's class
    comments = Comments(connection, schemas.live)
    comments.write(
        "TABLE",
        f"{schemas.live}.schema_version",
        "Which migration these tables are at / 表结构版本",
    )
    comments.write(
        "COLUMN", f"{schemas.live}.schema_version.version_num", "number of the migration / 版本号"
    )
    create_views(connection, schemas)
    others = create_views_of_all(connection)
    _grant(connection, schemas)
    return others


def _create_schemas(connection: Connection, schemas: Schemas) -> None:
    """Make the schemas if they are missing, and let one `init` of a database at a time go on.

    Only the owner of a schema may comment on it, and whoever does so holds it until the transaction
    ends. So that is a lock that no stranger can take, and that is there before any table is.
    """
    for schema in dict.fromkeys((ALL_CELLS, schemas.live, schemas.bi)):
        if not connection.execute(
            text("SELECT to_regnamespace(:schema)"), {"schema": schema}
        ).scalar():
            # Another `init` may be about to commit the same.
            may_make = allowed(f"make the schema {schema} (GRANT CREATE ON DATABASE … TO …)")
            with may_make, suppress(sqlalchemy.exc.IntegrityError), connection.begin_nested():
                connection.execute(text(f"CREATE SCHEMA {schema}"))
        if schema == schemas.live:
            _comment(connection, schema, "Voice of the customer / 客户之声")
        else:
            _comment(connection, schema, _OF_BI)


def keep_others_out(connection: Connection) -> None:
    """Let no other `init` of this database go on until the end of the transaction."""
    _comment(connection, ALL_CELLS, _OF_BI)


def _comment(connection: Connection, schema: str, comment: str) -> None:
    with allowed(f"change the schema {schema}: only its owner may"):
        connection.execute(text(f"COMMENT ON SCHEMA {schema} IS '{comment}'"))


def _make_way(connection: Connection, schemas: Schemas) -> None:
    """Make way for an upgrade, if there is something to upgrade.

    Transactions that rely on the tables end, new ones are kept away, and the views are dropped.
    Workers of the earlier version then find another version and wait to be replaced. Views would
    forbid changes of what they show.
    """
    if not connection.execute(
        text(f"SELECT to_regclass('{schemas.live}.schema_version')")
    ).scalar():
        return
    if (
        connection.execute(text(f"SELECT version_num FROM {schemas.live}.schema_version")).scalar()
        == SCHEMA_VERSION
    ):
        return
    connection.execute(text(f"LOCK TABLE {schemas.live}.schema_version IN ACCESS EXCLUSIVE MODE"))
    # A view may be made of one that was made before it.
    ours = [
        f"{bi}.{view.name}" for bi in (ALL_CELLS, schemas.bi) for view in reversed(bi_views())
    ] + [f"{schemas.live}.{name}" for name, _ in reversed(READER_VIEWS)]
    try:
        for name in ours:
            # What is a view now may have been a table.
            if connection.execute(text(_IS_VIEW), {"name": name}).scalar():
                connection.execute(text(f"DROP VIEW {name}"))
    except InternalError as error:
        if not isinstance(error.orig, DependentObjectsStillExist):
            raise
        raise StoreUnavailableError(
            f"drop your own views of ours, upgrade, and create them again: {error.orig}"
        ) from error


def _create_role(connection: Connection) -> None:
    # Roles belong to the whole server: another database of it may have made this role, perhaps at
    # this moment.
    with allowed(f"make the role {BI_ROLE} (CREATE ROLE {BI_ROLE} LOGIN)"):
        connection.execute(
            text(
                f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{BI_ROLE}') THEN"
                f" CREATE ROLE {BI_ROLE} LOGIN;"
                f" ALTER ROLE {BI_ROLE} SET default_transaction_read_only = on; ALTER ROLE"
                f" {BI_ROLE} SET statement_timeout = '60s'; END IF;"
                " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
        )


@contextmanager
def allowed(what: str) -> Iterator[None]:
    """Tell an operator what this role may not do. Raises StoreUnavailableError."""
    try:
        yield
    except sqlalchemy.exc.ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise StoreUnavailableError(
            f"the role of VOC_DATABASE_URL may not {what}: run deploy/postgres/roles.sql once as a"
            f" role with CREATEROLE"
            " that owns the database, then `voc-stream init` as voc_owner"
        ) from error


def _grant(connection: Connection, schemas: Schemas) -> None:
    # Any role may make temporary tables and large objects in a new database unless that is taken
    # away.
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar()
    for statement in (
        f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
        f"GRANT TEMPORARY ON DATABASE {database} TO CURRENT_USER",
        f"REVOKE ALL ON SCHEMA {schemas.live} FROM PUBLIC",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {schemas.live} FROM {BI_ROLE}",
        *(
            f"GRANT {right} SCHEMA {bi} TO {BI_ROLE}"
            for bi in dict.fromkeys((ALL_CELLS, schemas.bi))
            for right in (
                "USAGE ON",
                "SELECT ON ALL TABLES IN",
                "EXECUTE ON ALL FUNCTIONS IN",
            )
        ),
    ):
        connection.execute(text(statement))
    # The functions belong to the server's superuser. If this role is not one, its operator decides.
    connection.execute(
        text(
            "DO $$ BEGIN REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid),"
            " lo_from_bytea(oid, bytea) FROM PUBLIC;"
            " EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        )
    )


def _alembic_config(connection: Connection, schema: str = SCHEMA) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    return config
