from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
import sqlalchemy
from builders import messages
from integration.postgres.crowd import crowd
from integration.postgres.store import Store, send, wait_until

from voc_stream.embedded.processes.tcp_ports import answers, free_port
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.rebuild import rebuild
from voc_stream.postgres.schema.migrate import migrate
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
auth_type = any
auth_file = {folder}/users
pool_mode = {mode}
logfile = {folder}/log
unix_socket_dir =
{more}
"""
SENTENCE = (
    "a connection pooler such as PgBouncer stands before PostgreSQL and drops the settings of a"
    " session"
)


@contextmanager
def pgbouncer(url: str, mode: str, more: str) -> Iterator[str]:
    """The address of the same database behind a PgBouncer."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(
            "PgBouncer is not installed (Debian: pgbouncer): that it is refused is not checked"
        )
    given, own_port = sqlalchemy.make_url(url), free_port()
    with tempfile.TemporaryDirectory(prefix="voc-tests-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # it gives up being root
        (folder / "users").write_text(f'"{given.username}" ""\n')
        more += "\nuser = nobody" if os.geteuid() == 0 else ""
        settings = SETTINGS.format(
            host=given.host,
            port=given.port,
            user=given.username,
            own_port=own_port,
            folder=folder,
            mode=mode,
            more=more,
        )
        (folder / "ini").write_text(settings)
        process = subprocess.Popen(
            [program, "-q", str(folder / "ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: answers(own_port))
            yield given.set(port=own_port).render_as_string()
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "more", ["ignore_startup_parameters = options", ""], ids=["options ignored", "options refused"]
)
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_pooler_that_drops_settings_is_refused(store: Store, mode: str, more: str) -> None:
    """Every command says so in one sentence.

    It leaves no lock and no setting behind on a session that strangers get next.
    """
    send(store.sink(), messages(crowd(10)))
    with pgbouncer(store.url, mode, more) as url:
        with pytest.raises(StoreUnavailableError, match=SENTENCE):
            migrate(url)
        with pytest.raises(StoreUnavailableError, match=SENTENCE):
            rebuild(url, store.catalogue, lambda _done, _of: None)
        with pytest.raises(StoreUnavailableError, match=SENTENCE), asking(url):
            pass
        with (
            Store(url, store.catalogue) as pooled,
            pytest.raises(StoreUnavailableError, match=SENTENCE),
        ):
            pooled.sink().positions([])
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), current_setting('search_path')"
            )
            assert cursor.fetchall() == [("0", '"$user", public')]
        assert store.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    assert send(store.sink(), messages(crowd(10)), 1).duplicate == 10
