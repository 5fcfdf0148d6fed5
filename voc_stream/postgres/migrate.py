"""Makes the database what this version needs: roles, schemas, tables, views, rights and comments.

Safe to repeat, and to run at once in many places.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from psycopg2.errors import DependentObjectsStillExist
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from voc_stream.ports import StoreUnavailableError
from voc_stream.postgres.bi import bi_views
from voc_stream.postgres.connection import SCHEMA_VERSION, engine_for, translated
from voc_stream.postgres.locks import Lock
from voc_stream.postgres.tables import SCHEMA
from voc_stream.postgres.views import READER_VIEWS, VIEW_COMMENTS

if TYPE_CHECKING:
    from sqlalchemy import Connection

BI_SCHEMA = "voc_bi"
BI_ROLE = "voc_bi"


def migrate(database_url: str) -> None:
    """Bring the database up to date. Raises StoreUnavailableError where it cannot be reached."""
    engine = engine_for(database_url)
    try:
        with translated(), engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.MIGRATION})
            _create_role(connection)
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {BI_SCHEMA}"))
            _make_way(connection)
            try:
                command.upgrade(_alembic_config(connection), "head")
            except CommandError as error:
                raise StoreUnavailableError(f"the tables were made by another version of voc-stream ({error}); upgrade this one") from error
            _comment(connection, "TABLE", f"{SCHEMA}.schema_version", "Which migration these tables are at / 表结构版本")
            _comment(connection, "COLUMN", f"{SCHEMA}.schema_version.version_num", "number of the migration / 版本号")
            create_views(connection)
            _create_bi_views(connection)
            _grant(connection)
    finally:
        engine.dispose()


def _make_way(connection: Connection) -> None:
    """Where there is something to upgrade: let transactions end that rely on the tables, keep new ones away, and drop the views.

    Workers of the earlier version then find another version and wait to be replaced. Views would forbid changes of what they show.
    """
    if not connection.execute(text(f"SELECT to_regclass('{SCHEMA}.schema_version')")).scalar():
        return
    if connection.execute(text(f"SELECT version_num FROM {SCHEMA}.schema_version")).scalar() == SCHEMA_VERSION:
        return
    connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '120s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.TABLES})
    ours = [f"{BI_SCHEMA}.{view.name}" for view in bi_views()] + [f"{SCHEMA}.{name}" for name, _ in reversed(READER_VIEWS)]
    try:
        for name in ours:
            connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
    except InternalError as error:
        if not isinstance(error.orig, DependentObjectsStillExist):
            raise
        raise StoreUnavailableError(f"drop your own views of ours, upgrade, and create them again: {error.orig}") from error


def create_views(connection: Connection) -> None:
    """Create the reader views of the current schema anew, with their comments."""
    for name, statement in READER_VIEWS:
        connection.exec_driver_sql(statement.replace("%", "%%").replace("CREATE VIEW", "CREATE OR REPLACE VIEW"))
        about, columns = VIEW_COMMENTS[name]
        _comment(connection, "VIEW", name, about)
        for column, comment in columns.items():
            _comment(connection, "COLUMN", f'{name}."{column}"', comment)


def _create_bi_views(connection: Connection) -> None:
    for view in bi_views():
        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {BI_SCHEMA}.{view.name} AS {view.statement}".replace("%", "%%"))
        _comment(connection, "VIEW", f"{BI_SCHEMA}.{view.name}", view.comment)
        for column, comment in view.columns.items():
            _comment(connection, "COLUMN", f'{BI_SCHEMA}.{view.name}."{column}"', comment)


def _comment(connection: Connection, kind: str, name: str, comment: str) -> None:
    literal = comment.replace("'", "''").replace("%", "%%")
    connection.exec_driver_sql(f"COMMENT ON {kind} {name} IS '{literal}'")


def _create_role(connection: Connection) -> None:
    # Roles belong to the whole server: another database of it may have made this one, perhaps at this moment.
    connection.execute(
        text(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{BI_ROLE}') THEN CREATE ROLE {BI_ROLE} LOGIN;"
            f" ALTER ROLE {BI_ROLE} SET default_transaction_read_only = on; ALTER ROLE {BI_ROLE} SET statement_timeout = '60s'; END IF;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    )


def _grant(connection: Connection) -> None:
    # What any role may do in a new database unless it is taken away: make temporary tables and large objects.
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar()
    for statement in (
        f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
        f"GRANT TEMPORARY ON DATABASE {database} TO CURRENT_USER",
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {BI_ROLE}",
        f"GRANT USAGE ON SCHEMA {BI_SCHEMA} TO {BI_ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {BI_SCHEMA} TO {BI_ROLE}",
    ):
        connection.execute(text(statement))
    # The functions belong to the server's superuser; where this role is none, its operator has to decide.
    connection.execute(
        text(
            "DO $$ BEGIN REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;"
            " EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        )
    )


def _alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
