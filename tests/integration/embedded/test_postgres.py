from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg2
import pytest

from voc_stream.embedded.postgres import Postgres
from voc_stream.embedded.processes.tcp_ports import free_port
from voc_stream.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.postgres


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="voc-tests-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def query(url: str, statement: str) -> str:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return "" if row is None else str(row[0])
    finally:
        connection.close()


def test_data_outlives_a_clean_stop(folder: Path) -> None:
    """PostgreSQL keeps its data between runs, also on another port."""
    with Postgres(folder, free_port()) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
    assert server.child.exit_code() == 0
    with Postgres(folder, free_port()) as server:
        assert query(server.url, "SELECT number FROM kept") == "7"


def test_committed_data_outlives_a_kill(folder: Path) -> None:
    """What was committed survives kill -9 of the server.

    The stale postmaster.pid does not hinder the next start.
    """
    with Postgres(folder, free_port()) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(server.child.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(server.child.pid)], timeout=10)
    assert (folder / "postgres" / "postmaster.pid").exists()
    with Postgres(folder, free_port()) as server:
        assert query(server.url, "SELECT number FROM kept") == "7"


def test_process_id_that_now_belongs_to_another_program(folder: Path) -> None:
    """A postmaster.pid whose number a stranger has since been given does not hinder the start.

    The stranger lives on.
    """
    with Postgres(folder, free_port()):
        pass
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (folder / "postgres" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{folder / 'postgres'}\n0\n1\n\n127.0.0.1\n\nready\n"
        )
        with Postgres(folder, free_port()) as server:
            assert query(server.url, "SELECT 7") == "7"
        assert stranger.poll() is None


def test_server_left_by_an_earlier_run_is_ended_first(folder: Path) -> None:
    """If a killed parent left its server running, the next start ends that one.

    It takes over the data.
    """
    earlier = Postgres(folder, free_port())
    query(earlier.url, "CREATE TABLE kept AS SELECT 7 AS number")
    with Postgres(folder, free_port()) as server:
        assert query(server.url, "SELECT number FROM kept") == "7"
    assert earlier.child.exit_code() == 0


def test_half_made_data_folder_is_made_again(folder: Path) -> None:
    """A first start that was killed half-way leaves nothing that the next one trips over."""
    (folder / "postgres.unfinished").mkdir()
    (folder / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    with Postgres(folder, free_port()) as server:
        assert query(server.url, "SELECT current_database()") == "voc"


def test_every_commit_is_durable_and_text_compares_byte_by_byte(postgres_url: str) -> None:
    """The embedded server is no toy: fsync and synchronous_commit are on.

    And ids order the same way as in Python.
    """
    assert (
        query(
            postgres_url, "SELECT current_setting('fsync') || current_setting('synchronous_commit')"
        )
        == "onon"
    )
    assert (
        query(
            postgres_url,
            "SELECT string_agg(id, '' ORDER BY id) FROM unnest(ARRAY['a', 'B', '-', '_', 'é', 'Z'])"
            " AS id",
        )
        == "-BZ_aé"
    )


def test_failure_shows_the_last_words_of_the_server(folder: Path) -> None:
    """A server that does not start is an error with the reason in it."""
    with Postgres(folder, free_port()):
        pass
    (folder / "postgres" / "postgresql.conf").write_text("no_such_parameter = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_parameter"):
        Postgres(folder, free_port())
