"""The suite's own PostgreSQL.

One that can be stopped, crashed, frozen and started again on the same port.
"""

from __future__ import annotations

import itertools
import signal
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Self

import psutil
import psycopg2

from voc_stream.embedded.postgres import SETTINGS, Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

END_TIMEOUT_SECONDS = 30.0


class Server:
    """A PostgreSQL with faults.

    Args:
        folder: existing folder for its data, which the server's user can reach.
        port: free port of 127.0.0.1.
        settings: of the server, in the place of the usual ones.
    """

    def __init__(self, folder: Path, port: int, settings: Mapping[str, str] = SETTINGS) -> None:
        self.port = port
        self._settings = settings
        self._folder = folder
        self._numbers = itertools.count(1)
        self._postgres = Postgres(folder, port, settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        self._postgres.stop()

    @property
    def is_running(self) -> bool:
        """Whether the server has not ended."""
        return self._postgres.child.exit_code() is None

    def start(self) -> None:
        """Start it again where it has ended."""
        if not self.is_running:
            self._postgres = Postgres(self._folder, self.port, self._settings)

    def stop(self) -> None:
        """End it in an orderly way: sessions are ended, everything committed is on disk."""
        self._postgres.stop()

    def crash(self) -> None:
        """End it as `pg_ctl stop -m immediate` does.

        Nothing more is written, the next start replays the log.
        """
        process = psutil.Process(self._postgres.child.pid)
        sessions = process.children(recursive=True)
        process.send_signal(signal.SIGQUIT)
        psutil.wait_procs(sessions, END_TIMEOUT_SECONDS)
        self._postgres.child.stop(END_TIMEOUT_SECONDS)

    def pause(self) -> None:
        """Freeze the server and all its sessions.

        Their sockets stay open, and the kernel still acknowledges what arrives.
        """
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the freeze."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._postgres.child.pid)
            process.send_signal(number)  # the server first, so that it starts no further session
            for session in process.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    session.send_signal(number)

    def configure(self, **values: str) -> None:
        """Change server settings for good and make them known, as ALTER SYSTEM does.

        An empty value takes one back.
        """
        with self.administration() as cursor:
            for name, value in values.items():
                cursor.execute(
                    f"ALTER SYSTEM SET {name} = '{value}'"
                    if value
                    else f"ALTER SYSTEM RESET {name}"
                )
            cursor.execute("SELECT pg_reload_conf()")

    def create_database(self) -> str:
        """URL of a fresh, empty database."""
        name = f"chaos_{next(self._numbers)}"
        with self.administration() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return f"{self._postgres.url.rpartition('/')[0]}/{name}"

    def drop_database(self, url: str) -> None:
        """Remove one that `create_database` made, with whoever uses it."""
        with self.administration() as cursor:
            cursor.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    @contextmanager
    def administration(self) -> Iterator[psycopg2.extensions.cursor]:
        """A cursor outside any transaction."""
        with closing(psycopg2.connect(self._postgres.url)) as connection:
            connection.autocommit = True
            yield connection.cursor()
