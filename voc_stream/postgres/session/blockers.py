"""Finds who keeps a session of ours waiting for a lock."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Self

import psycopg2

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.cells.schemas import SCHEMA
from voc_stream.postgres.session.opening import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

LOOK_SECONDS = 1.0
# Only a role that may see it is shown when a session began: with pg_read_all_stats, or for its own
# sessions.
_WHO = """
    SELECT pid, coalesce(usename, 'unknown'), coalesce(nullif(application_name, ''), 'unknown'),
           coalesce(
               to_char(coalesce(xact_start, backend_start) AT TIME ZONE 'UTC',
                       'YYYY-MM-DD HH24:MI:SS "UTC"'),
               'an unknown time')
    FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s)) ORDER BY pid
"""


class BlockerWatch:
    """Looks from a session of its own who blocks another session of ours, and says so once.

    Args:
        database_url: where that session is.
        pid: its process at the server.
        say: is told of a blocker that was not told of before, in words for an operator.
    """

    def __init__(self, database_url: str, pid: int, say: Callable[[str], None]) -> None:
        self.last: str | None = None
        self._database_url, self._pid, self._say = database_url, pid, say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blockers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        # The server may have no session left. Then nobody is named, and nothing else is worse.
        try:
            if self._ended.wait(LOOK_SECONDS):
                return
            with closing(connect(self._database_url, SCHEMA)) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    while not self._ended.is_set():
                        cursor.execute(_WHO, (self._pid,))
                        self._note(cursor.fetchall())
                        self._ended.wait(LOOK_SECONDS)
        except (psycopg2.Error, StoreUnavailableError):
            return

    def _note(self, rows: list[tuple[int, str, str, str]]) -> None:
        found = ", ".join(
            f"session {pid} of role {role} (application {program}, since {since})"
            for pid, role, program, since in rows
        )
        if found and found != self.last:
            self.last = found
            self._say(f"waiting for {found}")
