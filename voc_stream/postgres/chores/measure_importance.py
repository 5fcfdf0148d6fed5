"""Derives how much ratings matter, once an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.importance.derive import derive_importance
from voc_stream.postgres.session.locks import Lock, try_lock

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.chores.transactions import ChoreTransactions


class MeasureImportance:
    """The chore `measure_importance`."""

    def __init__(self, transaction: ChoreTransactions) -> None:
        self._transaction = transaction

    def __call__(self, now: datetime) -> bool:
        """Derive importance from what has been merged; False if another worker is at it."""
        with self._transaction() as cursor:
            if not try_lock(cursor, Lock.IMPORTANCE):
                return False
            derive_importance(cursor, now)
            return True
