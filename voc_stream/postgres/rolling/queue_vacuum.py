"""Vacuums queues, because they are read from their beginning every few seconds.

Autovacuum comes only once a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.session.connection import checked_out, guarded

if TYPE_CHECKING:
    import sqlalchemy

_MAY_VACUUM = (
    "SELECT current_setting('server_version_num')::int >= 170000"
    " OR pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass"
)


class QueueVacuum:
    """Vacuums queues, if this role may.

    Before PostgreSQL 17 only the owner of a table may. A worker with another role then leaves it to
    autovacuum, and does not fill the server's log with refusals.
    """

    def __init__(self, engine: sqlalchemy.Engine, deadline_seconds: float) -> None:
        self._engine = engine
        self._deadline_seconds = deadline_seconds
        self._is_allowed: bool | None = None

    def make_room(self, queue: str) -> None:
        """Vacuum one queue, unless another transaction locks it. Raises StoreUnavailableError."""
        with checked_out(self._engine) as connection, guarded(connection, self._deadline_seconds):
            connection.autocommit = True
            try:
                with connection.cursor() as cursor:
                    if self._is_allowed is None:
                        cursor.execute(_MAY_VACUUM, (queue,))
                        self._is_allowed = bool(cursor.fetchone()[0])  # type: ignore[index]  # the queue is there
                    if self._is_allowed:
                        cursor.execute(f"VACUUM (SKIP_LOCKED, TRUNCATE false) {queue}")
            finally:
                connection.autocommit = False
