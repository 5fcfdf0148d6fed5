"""Questions that may take too long on big tables: an alert must not wait for its evidence."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from psycopg2 import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

SECONDS = 3

log = logging.getLogger(__name__)


def ask_briefly(cursor: Cursor, statement: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """The rows of a statement, none where it takes more than SECONDS. The transaction goes on either way."""
    cursor.execute(f"SAVEPOINT brief; SET LOCAL statement_timeout = '{SECONDS}s'")
    try:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    except errors.QueryCanceled:
        log.warning("evidence for an alert was left out: it took longer than %d s to collect", SECONDS)
        rows = []
    # The setting goes with the savepoint.
    cursor.execute("ROLLBACK TO brief; RELEASE brief")
    return rows
