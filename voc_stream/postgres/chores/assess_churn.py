"""Brings the churn risks of customers to now."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from voc_stream.every import Every
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.set_aside import SetAside
from voc_stream.postgres.rolling import churn_risk as churn
from voc_stream.postgres.session.server_clock import server_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.postgres.chores.transactions import ChoreTransactions
    from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum
    from voc_stream.postgres.session.cursor import Cursor

# A call ends after about this long even if there is more to do, so that other timers get their
# turn.
BUDGET_SECONDS = 5.0
# More take no less time a customer; 20,000 took 24 MiB more.
CUSTOMERS_A_TIME = 5_000
FEW_CUSTOMERS = 2_000
# However many customers have changed, some are taken whose risk changes because time passes.
DUE_A_TIME = 1_000
LOOK_FOR_FUTURE_SECONDS = 3600.0


class AssessChurn:
    """The chore `assess_churn`, which recomputes risks.

    Attributes:
        aside: the customers with whom it failed lately.
    """

    def __init__(self, transaction: ChoreTransactions, vacuum: QueueVacuum) -> None:
        self._transaction, self._vacuum = transaction, vacuum
        self.aside = SetAside("assess_churn")
        self._turn = 0
        self._look_for_future = Every(LOOK_FOR_FUTURE_SECONDS)

    def look_for_future(self) -> None:
        """Look for risks of the future with the next call, because a clock was ahead."""
        self._look_for_future.forget()

    def __call__(
        self, now: datetime, *, in_parts: bool = False, everyone: bool = False
    ) -> int | None:
        """Recompute the risks that changed, or all risks.

        Returns how many were recomputed, None if another worker holds the lock. With `in_parts` a
        call takes one part of the customers, the next one each time, so that the call is short. It
        takes all if few are pending. Raises CustomersFailedError after the others are done.
        """
        if everyone:
            with self._transaction() as cursor:
                return self._everyone(cursor, now) if churn.lock_assessment(cursor) else None
        started, assessed = time.monotonic(), 0
        while time.monotonic() - started < BUDGET_SECONDS:
            try:
                found = self._piece(now, in_parts=in_parts)
            except StoreUnavailableError:
                raise
            except Exception:  # noqa: BLE001  with whom it fails is found, and holds up no other
                self._look_for_future.forget()  # what that found was rolled back
                found = self._piece(now, in_parts=in_parts, apart=True)
            if found is None:
                return None
            assessed += found
            if in_parts or not found:
                break
        self.aside.try_again(partial(self._again, now))
        self.aside.report()
        return assessed

    def _piece(self, now: datetime, *, in_parts: bool, apart: bool = False) -> int | None:
        """Assess the next customers.

        With `apart` there are fewer of them, and one with whom assessing fails holds up no other.
        """
        most = min(CUSTOMERS_A_TIME, FEW_CUSTOMERS) if apart else CUSTOMERS_A_TIME
        with self._transaction() as cursor:
            if not churn.lock_assessment(cursor):
                return None
            self._take_up_future(cursor)
            turn = (self._turn + 1) % churn.CUSTOMER_PARTS
            part = turn if in_parts and churn.pending(cursor) > FEW_CUSTOMERS else None
            aside = self.aside.customer_ids
            taken = churn.take_changed(cursor, most + len(aside), part)
            left = sorted({*taken}.intersection(aside))
            changed = {*taken}.difference(aside)
            due = churn.due(cursor, now, max(DUE_A_TIME, most - len(changed)), aside)
            customer_ids = sorted({*changed, *due})
            if apart:
                left += self.aside.search(
                    customer_ids,
                    lambda some: churn.reassess_apart(
                        cursor, some, self._transaction.catalogue, now
                    ),
                )
            else:
                churn.reassess(cursor, customer_ids, self._transaction.catalogue, now)
            churn.put_back(cursor, left)
        if part is not None:
            self._turn = part
        if changed:
            self._vacuum.make_room("churn_pending")
        return len(customer_ids)

    def _again(self, now: datetime, customer_ids: Sequence[str]) -> int | None:
        with self._transaction() as cursor:
            if not churn.lock_assessment(cursor):
                return None
            churn.reassess(cursor, customer_ids, self._transaction.catalogue, now)
            return len(customer_ids)

    def _take_up_future(self, cursor: Cursor) -> None:
        """Queue risks that were assessed while a clock was ahead.

        It reads all, so only now and then.
        """
        moment = time.monotonic()
        if self._look_for_future.is_due(moment):
            self._look_for_future.done(moment)
            churn.take_up_future(cursor, server_now(cursor))

    def _everyone(self, cursor: Cursor, now: datetime) -> int:
        cursor.execute("DELETE FROM churn_pending")
        # If every event of a customer was taken back, only the queue knew them beside the risk that
        # is left.
        cursor.execute(
            "SELECT customer_id FROM customer UNION SELECT customer_id FROM churn_risk ORDER BY 1"
        )
        customer_ids = [customer_id for (customer_id,) in cursor.fetchall()]
        for first in range(0, len(customer_ids), CUSTOMERS_A_TIME):
            churn.reassess(
                cursor,
                customer_ids[first : first + CUSTOMERS_A_TIME],
                self._transaction.catalogue,
                now,
            )
        return len(customer_ids)
