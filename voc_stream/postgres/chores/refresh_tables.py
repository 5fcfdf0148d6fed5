"""Brings the rolling tables and the cube to now."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.every import Every
from voc_stream.pipeline.ports import StoreGaveUpError
from voc_stream.postgres.rolling import refresh
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue
from voc_stream.postgres.rolling.refreshes import OF_DETAILS, OF_SITES

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.chores.transactions import ChoreTransactions
    from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum
    from voc_stream.postgres.rolling.refreshes import Refresh

# A call ends after about this long even if there is more to do, so that other timers get their
# turn.
BUDGET_SECONDS = 5.0
PURGE_EVERY = timedelta(hours=1)
MOST_PARTS = 16
"""Of what is merged at once, when the server cannot do it in time."""


class RefreshTables:
    """The chores that refresh the rolling tables and the cube."""

    def __init__(self, transaction: ChoreTransactions, vacuum: QueueVacuum) -> None:
        self._transaction, self._vacuum = transaction, vacuum
        self._purge = Every(PURGE_EVERY.total_seconds())
        self._is_catalogue_copied = False
        self._parts = {each.name: 1 for each in (OF_SITES, OF_DETAILS)}

    def sites(self, now: datetime) -> bool:
        """Merge into the scopes `all` and `site`, and refresh them as of `now`.

        Returns False if another worker holds the lock.
        """
        self._copy_catalogue()
        if not self._refresh(OF_SITES, now):
            return False
        if self._purge.is_due(now.timestamp()):
            self._purge.done(now.timestamp())
            with self._transaction() as cursor:
                refresh.purge(cursor)
        return True

    def details(self, now: datetime, *, when_due: bool) -> bool:
        """Merge into the other scopes and the cube; returns False if another worker holds the lock.

        With `when_due` nothing is done while much waits that has not waited for long.
        """
        if when_due:
            with self._transaction() as cursor:
                if not refresh.is_due(cursor, OF_DETAILS, now):
                    return True
        return self._refresh(OF_DETAILS, now)

    def _refresh(self, which: Refresh, now: datetime) -> bool:
        """Merge what waits. If it is too much for the server, half as much the next time."""
        started = time.monotonic()
        while True:
            parts = self._parts[which.name]
            most = max(1, refresh.MEASURES_A_TIME // parts)
            try:
                with self._transaction() as cursor:
                    merged = refresh.refresh(cursor, which, now, most)
            except StoreGaveUpError:
                self._parts[which.name] = min(2 * parts, MOST_PARTS)
                raise
            if merged is None:
                return False
            if merged:
                self._vacuum.make_room("increment")
            if merged < most:  # all of it
                self._parts[which.name] = max(1, parts // 2)
                return True
            if time.monotonic() - started > BUDGET_SECONDS:
                return True

    def _copy_catalogue(self) -> None:
        """Copy the catalogue, once a process: the rolling view joins its expectations."""
        if not self._is_catalogue_copied:
            with self._transaction() as cursor:
                copy_catalogue(cursor, self._transaction.catalogue)
            self._is_catalogue_copied = True
