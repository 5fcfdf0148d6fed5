"""Counts what customers said before their profile changed under the new one, in pieces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.corrections.histories import move_some, next_to_move
from voc_stream.postgres.corrections.set_aside import SetAside
from voc_stream.postgres.intake.versioned_rows import ChangedMeanwhileError, EntityStore
from voc_stream.postgres.session.background import Background

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.postgres.chores.transactions import ChoreTransactions
    from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum

# What a piece of a history adds goes through the same queue as what events add. More at a time
# would make the rolling tables late.
MOVING_SECONDS = 1.0


class MoveHistories:
    """The chore `move_histories`, which counts histories under a new profile.

    Attributes:
        aside: the customers with whom it failed lately.
    """

    def __init__(self, transaction: ChoreTransactions, vacuum: QueueVacuum) -> None:
        self._transaction, self._vacuum = transaction, vacuum
        self._background = Background()
        self.aside = SetAside("move_histories")

    def close(self) -> None:
        """End the background thread."""
        self._background.close()

    def __call__(self) -> int | None:
        """Count pieces of histories under the new profile of their customers.

        It takes about MOVING_SECONDS. Returns how many customers that was about, None if another
        worker is at it; a customer whose history took several pieces counts each time. Raises
        CustomersFailedError after the others are done.
        """
        started, customers = time.monotonic(), 0
        while moved := self._piece():
            customers += moved
            if time.monotonic() - started > MOVING_SECONDS:
                break
        if customers:
            self._vacuum.make_room("customer_move")
        if moved is None:
            return None
        self.aside.try_again(self.some)
        self.aside.report()
        return customers

    def _piece(self) -> int | None:
        try:
            return self.some()
        except StoreUnavailableError:
            raise
        except Exception:  # with whom it fails is found, and holds up no other
            with self._transaction() as cursor:
                customer_ids = next_to_move(cursor, self.aside.customer_ids)
            if not customer_ids:
                raise
            self.aside.search(customer_ids, self.some)
            return len(customer_ids)

    def some(self, only: Sequence[str] | None = None) -> int | None:
        """Move one piece of the next customers, or of `only` these.

        Returns how many they are, None if another worker is at it.
        """
        entities = EntityStore(cached_bytes=0)
        try:
            with self._transaction() as cursor:
                try:
                    return move_some(
                        cursor,
                        entities,
                        self._background,
                        self._transaction.catalogue,
                        only=only,
                        but=self.aside.customer_ids,
                    )
                finally:
                    self._background.abandon()  # within the deadline: what is under way may hang
        except (
            ChangedMeanwhileError
        ):  # an order got another owner; the next piece meets it as it is then
            return 1
