"""Fits the churn model to the tables, once a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.churn_model.learning import month_start
from voc_stream.postgres.churn_model.command import DEADLINE_SECONDS
from voc_stream.postgres.churn_model.fit_model import fit_model
from voc_stream.postgres.churn_model.model_rows import was_fitted
from voc_stream.postgres.churn_model.told import count_told
from voc_stream.postgres.session.locks import Lock, try_lock

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.chores.transactions import ChoreTransactions


class FitChurn:
    """The chore `fit_churn`, if the settings let it."""

    def __init__(self, transaction: ChoreTransactions, *, monthly: bool) -> None:
        self._transaction, self._monthly = transaction, monthly

    def __call__(self, now: datetime) -> str | None:
        """Fit the time until the start of this month, unless a model has learned from it already.

        Returns the version that was fitted; None if there was nothing to do, or if another worker
        is at it.
        """
        if not self._monthly:
            return None
        with self._transaction(DEADLINE_SECONDS) as cursor:
            if not try_lock(cursor, Lock.CHURN_MODEL) or was_fitted(cursor, month_start(now)):
                return None
            cursor.execute(f"SET LOCAL statement_timeout = '{DEADLINE_SECONDS:.0f}s'")
            count_told(cursor, self._transaction.catalogue, now)
            fitted = fit_model(cursor, self._transaction.catalogue, now)
            return None if fitted is None else fitted.version
