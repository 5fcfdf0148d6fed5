"""Walks through the histories of customers, some at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.churn_walk.histories import walk_apart, walk_through
from voc_stream.postgres.churn_walk.queue import due, take_pending
from voc_stream.postgres.churn_walk.walk_all import CUSTOMERS_A_TIME
from voc_stream.postgres.corrections.set_aside import SetAside
from voc_stream.postgres.session.locks import Lock, try_lock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.postgres.chores.transactions import ChoreTransactions
    from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum

BUDGET_SECONDS = 2.0
BUDGET_BESIDE_EVENTS_SECONDS = 0.3
"""While events wait, they come first: a history may follow later."""


class WalkCustomers:
    """The chore `walk_customers`.

    Attributes:
        aside: the customers with whom it failed lately.
    """

    def __init__(self, transaction: ChoreTransactions, vacuum: QueueVacuum) -> None:
        self._transaction, self._vacuum = transaction, vacuum
        self.aside = SetAside("walk_customers")

    def __call__(
        self, now: datetime, *, events_wait: bool = False, everything: bool = False
    ) -> int | None:
        """Walk through those who are due, for some seconds, or `everything`.

        Returns how many customers that were, None if another worker is at it. Raises
        CustomersFailedError after the others are done.
        """
        budget = BUDGET_BESIDE_EVENTS_SECONDS if events_wait else BUDGET_SECONDS
        started, walked = time.monotonic(), 0
        while everything or time.monotonic() - started < budget:
            try:
                found = self._piece(now)
            except StoreUnavailableError:
                raise
            except Exception:  # noqa: BLE001  with whom it fails is found, and holds up no other
                found = self._piece(now, apart=True)
            if found is None:
                return None
            taken, done = found
            walked += done
            if not taken and not done:
                break
        if walked:
            self._vacuum.make_room("walk_pending")
        self.aside.try_again(lambda customer_ids: self._again(now, customer_ids))
        self.aside.report()
        return walked

    def _piece(self, now: datetime, *, apart: bool = False) -> tuple[int, int] | None:
        """Take the customers of the next batches, and walk through the next who are due.

        Returns how many batches and customers these were, None if another worker is at it.
        """
        with self._transaction() as cursor:
            if not try_lock(cursor, Lock.WALKS):
                return None
            catalogue = self._transaction.catalogue
            taken = take_pending(cursor)
            customer_ids = due(cursor, now, CUSTOMERS_A_TIME, self.aside.customer_ids)
            if apart:
                self.aside.search(
                    customer_ids, lambda some: walk_apart(cursor, some, catalogue, now)
                )
            elif customer_ids:
                walk_through(cursor, customer_ids, catalogue, now)
            return taken, len(customer_ids)

    def _again(self, now: datetime, customer_ids: Sequence[str]) -> int | None:
        with self._transaction() as cursor:
            if not try_lock(cursor, Lock.WALKS):
                return None
            walk_through(cursor, customer_ids, self._transaction.catalogue, now)
            return len(customer_ids)
