"""Asks questions that may take too long on big tables: alerts must not wait for their evidence."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Any

from psycopg2 import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.postgres.session.cursor import Cursor


SECONDS = 3.0
BUDGET_SECONDS = 5.0

log = logging.getLogger(__name__)


class TimeLimitedQuery:
    """Asks for evidence within one transaction.

    Args:
        cursor: of the transaction, which goes on however a question ends.
        budget_seconds: for all questions together. If many alerts start at once, the last ones
            start without evidence.
        seconds: for each question.
    """

    def __init__(
        self, cursor: Cursor, budget_seconds: float = BUDGET_SECONDS, seconds: float = SECONDS
    ) -> None:
        self._cursor = cursor
        self._left_seconds = budget_seconds
        self._seconds = seconds

    def ask(
        self, statement: str, parameters: Mapping[str, object], seconds: float = math.inf
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement.

        None if there is no time left, or if it takes too long, or longer than `seconds`.
        """
        if self._left_seconds <= 0:
            return []
        limit_seconds, started = min(self._seconds, self._left_seconds, seconds), time.monotonic()
        self._cursor.execute(
            f"SAVEPOINT query; SET LOCAL statement_timeout = {int(limit_seconds * 1000) or 1}"
        )
        try:
            self._cursor.execute(statement, parameters)
            rows = self._cursor.fetchall()
        except errors.QueryCanceled:
            log.warning(
                "what an alert would have been explained by was left out: reading it took longer"
                " than %.1f s",
                limit_seconds,
            )
            rows = []
        # The setting goes with the savepoint.
        self._cursor.execute("ROLLBACK TO query; RELEASE query")
        self._left_seconds -= time.monotonic() - started
        return rows
