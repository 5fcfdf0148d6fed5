"""A PostgreSQL as an operator sets it up: roles, then `init` as the owner, then the roles again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import psycopg2
import pytest
import sqlalchemy
from deploy.tools import DEPLOY, run

from voc_stream.database_url import with_cell
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

_numbers = count()


@dataclass(frozen=True)
class OperatorsDatabase:
    """One database and the address of it for each role."""

    superuser_url: str
    psql: Path

    def url(self, role: str, cell: str = "") -> str:
        """The address of a cell for one role; the server of the tests asks for no passwords."""
        url = sqlalchemy.make_url(self.superuser_url).set(username=role).render_as_string()
        return with_cell(url, cell) if cell else url

    def add_cell(self, cell: str) -> None:
        """As docs/howto/add-a-cell.md says."""
        migrate(self.url("voc_owner", cell))
        self.apply_roles()

    def ask(self, role: str, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement as a role; the rows, if it has any."""
        with (
            closing(psycopg2.connect(self.url(role))) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def apply_roles(self) -> None:
        """As the head of the file says."""
        roles = DEPLOY / "postgres" / "roles.sql"
        run(
            [
                self.psql,
                "--quiet",
                "--set",
                "ON_ERROR_STOP=1",
                "--dbname",
                self.superuser_url,
                "--file",
                roles,
            ]
        )


@pytest.fixture(scope="module")
def make_operators_database(postgres_url: str) -> Callable[[], OperatorsDatabase]:
    """Makes databases with roles, tables made by the owner, and roles again."""
    from voc_stream.embedded.postgres import _programs

    def make() -> OperatorsDatabase:
        name = f"voc_of_operators_{next(_numbers)}"
        with closing(psycopg2.connect(postgres_url)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {name}")
        url = sqlalchemy.make_url(postgres_url).set(database=name).render_as_string()
        database = OperatorsDatabase(url, _programs() / "psql")
        database.apply_roles()
        migrate(database.url("voc_owner"))
        database.apply_roles()
        return database

    return make


@pytest.fixture(scope="module")
def operators_database(
    make_operators_database: Callable[[], OperatorsDatabase],
) -> OperatorsDatabase:
    """One of them, shared by the tests of a module."""
    return make_operators_database()
