from __future__ import annotations

import stat
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import errors

from voc_stream.embedded.access import PASSWORD_FILE, ROLE, SUPERUSER
from voc_stream.embedded.postgres import SETTINGS, Postgres
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.postgres.schema.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

pytestmark = pytest.mark.postgres
SMALL = {**SETTINGS, "shared_buffers": "16MB"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="voc-tests-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def assert_closed(server: Postgres) -> None:
    """Nobody gets in without the password, and with it nobody is more than an ordinary role."""
    for role in (ROLE, SUPERUSER):
        for password in ("", ":voc", ":"):
            with pytest.raises(
                psycopg2.OperationalError,
                match=r"no password supplied|password authentication failed",
            ):
                psycopg2.connect(f"postgresql://{role}{password}@127.0.0.1:{server.port}/voc")
    assert ask(
        server.url,
        "SELECT current_user, usesuper, usecreatedb, userepl FROM pg_user WHERE usename ="
        " current_user",
    ) == [(ROLE, False, False, False)]
    for statement in (
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "SELECT pg_read_file('postgresql.conf')",
        f"ALTER ROLE {ROLE} SUPERUSER",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            ask(server.url, statement)


def test_only_the_password_opens_the_database(folder: Path) -> None:
    """Other users of the machine cannot log in.

    Whoever started the server can with its URL, also after the next start.
    """
    with Postgres(folder, free_port(), SMALL, closed=True) as server:
        assert_closed(server)
        migrate(server.url)
        login = server.url.partition("@")[0]
    password = folder / PASSWORD_FILE
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert password.read_text().strip() == login.rpartition(":")[2]
    assert len(password.read_text().strip()) >= 32
    with Postgres(folder, free_port(), SMALL, closed=True) as server:
        assert server.url.partition("@")[0] == login
        assert ask(server.url, "SELECT count(*) FROM voc.customer") == [(0,)]


def test_folder_of_an_earlier_version_is_closed_with_all_that_it_holds(folder: Path) -> None:
    """A folder in which everybody was superuser can be upgraded by the ordinary role.

    The data stays and belongs to that role.
    """
    with Postgres(folder, free_port(), SMALL) as server:
        migrate(server.url)
        ask(server.url, "INSERT INTO voc.churn_pending VALUES (0, '{kept}')")
    with Postgres(folder, free_port(), SMALL, closed=True) as server:
        assert_closed(server)
        assert ask(server.url, "SELECT customer_ids FROM voc.churn_pending") == [(["kept"],)]
        migrate(server.url)
        owners = (
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class"
            " WHERE relnamespace IN ('voc'::regnamespace, 'voc_bi'::regnamespace)"
        )
        assert ask(server.url, owners) == [(ROLE,)]
        ask(server.url, "ALTER TABLE voc.customer_state ADD COLUMN of_next_version text")


def test_closing_that_was_cut_off_is_done_again(folder: Path) -> None:
    """Until the password is on disk, the next start makes another one."""
    with Postgres(folder, free_port(), SMALL, closed=True) as server:
        before = server.url
    (folder / PASSWORD_FILE).unlink()
    with Postgres(folder, free_port(), SMALL, closed=True) as server:
        assert_closed(server)
        assert server.url.partition("@")[0] != before.partition("@")[0]
