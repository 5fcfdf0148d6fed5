"""What timers do beside the stream: move histories, settle, assess, evaluate, hand out messages, read gauges. Each is a transaction."""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from voc_stream.pipeline.clocks import LARGEST_SKEW
from voc_stream.pipeline.ports import Membership, StoreUnavailableError
from voc_stream.postgres.alerting.evaluator import Evaluator
from voc_stream.postgres.corrections.histories import move_some, next_to_move
from voc_stream.postgres.corrections.set_aside import SetAside
from voc_stream.postgres.corrections.take_over import take_over
from voc_stream.postgres.corrections.taking_back import take_out_next
from voc_stream.postgres.intake import outbox
from voc_stream.postgres.intake.dead_letters import delete_received_before
from voc_stream.postgres.intake.versioned_rows import (
    ATTEMPTS_ON_CONFLICT,
    ChangedMeanwhileError,
    EntityStore,
)
from voc_stream.postgres.reading.gauges import CustomerGauges, read_gauges
from voc_stream.postgres.rolling import churn_risk as churn
from voc_stream.postgres.rolling import refresh
from voc_stream.postgres.rolling.catalogue_copy import copy_catalogue
from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum
from voc_stream.postgres.schema.installation import (
    identity,
    read_ruling,
    require_catalogue,
    why_to_wait,
)
from voc_stream.postgres.session.background import Background
from voc_stream.postgres.session.connection import (
    DEADLINE_SECONDS,
    checked_out,
    engine_for,
    guarded,
    require_tables,
)
from voc_stream.postgres.session.server_clock import read_clocks, server_now
from voc_stream.postgres.session.staging import create_staging_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import GaugeSample, OutboxKind, OutboxMessage
    from voc_stream.postgres.rolling.refresh import Refresh
    from voc_stream.postgres.session.cursor import Cursor

# A call ends after about this long even where there is more to do, so that the other timers get their turn.
BUDGET_SECONDS = 5.0
# What a piece of a history adds goes through the same queue as what events add: more at a time would make the rolling tables late.
MOVING_SECONDS = 1.0
CUSTOMERS_A_TIME = 20_000
FEW_CUSTOMERS = 2_000
# However many have changed, some are taken whose risk changes by the mere passing of time.
DUE_A_TIME = 1_000
# A customer of a million events, folded anew, takes some ten seconds.
TAKING_BACK_SECONDS = 100.0
# In small pieces, each its own transaction, and for a moment only: nobody waits for old letters to go.
LETTERS_A_TIME = 500
DELETION_BUDGET_SECONDS = 1.0
TAKE_OVER_DEADLINE_SECONDS = 3600.0  # renaming an experience rewrites its part of every table
PURGE_EVERY = timedelta(hours=1)

log = logging.getLogger(__name__)


class PostgresChores:
    """The chores of one worker. One connection at a time; not for two threads at once."""

    def __init__(
        self, database_url: str, catalogue: Catalogue, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._engine = engine_for(database_url)
        self._name = str(uuid4())
        self._deadline_seconds = deadline_seconds
        self._catalogue = catalogue
        self._purged_at: datetime | None = None
        self._is_catalogue_copied = False
        self._turn = 0
        self._vacuum = QueueVacuum(self._engine, deadline_seconds)
        self._customers = CustomerGauges()
        self._evaluator = Evaluator(catalogue)
        self._evaluated_at: datetime | None = None
        self._not_taken_back: set[int] = set()
        self._not_moved, self._not_assessed = SetAside("move_histories"), SetAside("assess_churn")
        self._future_looked_for = -math.inf  # of the monotonic clock
        self._background = Background()

    def close(self) -> None:
        """Give the connection back."""
        self._engine.dispose()
        self._background.close()

    def join(self) -> Membership:
        """Let this catalogue rule the database, where it is the newest or the first."""
        with self._transaction(ruled=False) as cursor:
            installation, ruling = identity(cursor), read_ruling(cursor)
        problem = why_to_wait(ruling, self._catalogue)
        if problem is not None or self._catalogue.digest in ("", ruling.digest if ruling else None):
            return Membership(installation, problem)
        with (
            checked_out(self._engine) as connection,
            guarded(connection, TAKE_OVER_DEADLINE_SECONDS),
            connection.cursor() as cursor,
        ):
            take_over(cursor, self._catalogue)
            installation, problem = (
                identity(cursor),
                why_to_wait(read_ruling(cursor), self._catalogue),
            )
            connection.commit()
        return Membership(installation, problem)

    def read_clocks(self) -> ClockReading:
        """What the clock of this machine, PostgreSQL's, and those that are stored show now."""
        with self._transaction() as cursor:
            reading = read_clocks(cursor)
        if reading.stored_ahead > LARGEST_SKEW:
            self._future_looked_for = -math.inf
        return reading

    def refresh(self, now: datetime) -> bool:
        """Take out, move and merge all that is pending and refresh rolling tables and cube as of `now`; False where another is at it."""
        while taken := self.take_back(now):
            pass
        while moved := self.move_histories():
            pass
        return (
            taken is not None
            and moved is not None
            and self.refresh_sites(now)
            and self.refresh_details(now, in_parts=False)
        )

    def move_histories(self) -> int | None:
        """Count pieces of the histories of customers whose profile has changed under the new one, for about MOVING_SECONDS.

        How many customers that was about, one that took several pieces counted again; None where another worker is at it.
        Raises CustomersFailedError after the others are done.
        """
        started, customers = time.monotonic(), 0
        while moved := self._move_piece():
            customers += moved
            if time.monotonic() - started > MOVING_SECONDS:
                break
        if customers:
            self._vacuum.make_room("customer_move")
        if moved is None:
            return None
        self._not_moved.try_again(self._move_some)
        self._not_moved.report()
        return customers

    def _move_piece(self) -> int | None:
        try:
            return self._move_some()
        except StoreUnavailableError:
            raise
        except Exception:  # with whom it fails is found, and holds up no other
            with self._transaction() as cursor:
                customer_ids = next_to_move(cursor, self._not_moved.customer_ids)
            if not customer_ids:
                raise
            self._not_moved.search(customer_ids, self._move_some)
            return len(customer_ids)

    def _move_some(self, only: Sequence[str] | None = None) -> int | None:
        entities = EntityStore(cached_bytes=0)
        try:
            with self._transaction() as cursor:
                try:
                    return move_some(
                        cursor,
                        entities,
                        self._background,
                        self._catalogue,
                        only=only,
                        but=self._not_moved.customer_ids,
                    )
                finally:
                    self._background.abandon()  # within the deadline: what is under way may hang
        except (
            ChangedMeanwhileError
        ):  # an order got another owner; the next piece meets it as it is then
            return 1

    def refresh_sites(self, now: datetime) -> bool:
        """Merge into the scopes `all` and `site`, and refresh them as of `now`; False where another worker holds the lock."""
        self._copy_catalogue()
        if not self._refresh(refresh.OF_SITES, now):
            return False
        if self._purged_at is None or abs(now - self._purged_at) >= PURGE_EVERY:
            self._purged_at = now
            with self._transaction() as cursor:
                refresh.purge(cursor)
        return True

    def refresh_details(self, now: datetime, *, in_parts: bool) -> bool:
        """Merge into the other scopes and the cube; False where another worker holds the lock.

        With `in_parts` one part of sites and employees, the next one each time, so that a call is short; all where little is pending.
        """
        return self._refresh(refresh.OF_DETAILS, now, in_parts=in_parts)

    def _refresh(self, which: Refresh, now: datetime, *, in_parts: bool = False) -> bool:
        started = time.monotonic()
        while True:
            with self._transaction() as cursor:
                taken = refresh.refresh(cursor, which, now, in_parts=in_parts)
            if taken is None:
                return False
            if taken:
                self._vacuum.make_room(which.queue)
            if (
                in_parts
                or taken < refresh.CONTRIBUTIONS_A_TIME
                or time.monotonic() - started > BUDGET_SECONDS
            ):
                return True

    def take_back(self, now: datetime) -> int | None:
        """Take out of the tables what retractions name that wait; how many events they named, None where another worker is at it."""
        started, named = time.monotonic(), 0
        while time.monotonic() - started < BUDGET_SECONDS:
            taken = self._take_back_next(now)
            if taken is None:
                return None
            if not taken:
                break
            named += taken
        if named:
            self._vacuum.make_room("retraction_pending")
        return named

    def _take_back_next(self, now: datetime) -> int | None:
        for _ in range(ATTEMPTS_ON_CONFLICT):
            try:
                with self._transaction(max(self._deadline_seconds, TAKING_BACK_SECONDS)) as cursor:
                    return take_out_next(cursor, self._catalogue, now, self._not_taken_back)
            except ChangedMeanwhileError:
                continue
        raise StoreUnavailableError(
            f"rows kept changing under {ATTEMPTS_ON_CONFLICT} attempts to take events out"
        )

    def _copy_catalogue(self) -> None:
        """Once a process: the rolling view joins the catalogue's expectations."""
        if not self._is_catalogue_copied:
            with self._transaction() as cursor:
                copy_catalogue(cursor, self._catalogue)
            self._is_catalogue_copied = True

    def assess_churn(
        self, now: datetime, *, in_parts: bool = False, everyone: bool = False
    ) -> int | None:
        """Recompute the risks that changed (or all); how many, None where another worker holds the lock.

        With `in_parts` one part of the customers, the next one each time, so that a call is short; all where few are pending.
        Raises CustomersFailedError after the others are done.
        """
        if everyone:
            with self._transaction() as cursor:
                return self._assess_everyone(cursor, now) if churn.lock_assessment(cursor) else None
        started, assessed = time.monotonic(), 0
        while time.monotonic() - started < BUDGET_SECONDS:
            try:
                found = self._assess_piece(now, in_parts=in_parts)
            except StoreUnavailableError:
                raise
            except Exception:  # noqa: BLE001  with whom it fails is found, and holds up no other
                self._future_looked_for = -math.inf  # what that found was rolled back
                found = self._assess_piece(now, in_parts=in_parts, apart=True)
            if found is None:
                return None
            assessed += found
            if in_parts or not found:
                break
        self._not_assessed.try_again(partial(self._assess_again, now))
        self._not_assessed.report()
        return assessed

    def _assess_piece(self, now: datetime, *, in_parts: bool, apart: bool = False) -> int | None:
        """Assess the next customers; `apart` so that those with whom that fails hold up no other, and fewer of them."""
        most = min(CUSTOMERS_A_TIME, FEW_CUSTOMERS) if apart else CUSTOMERS_A_TIME
        with self._transaction() as cursor:
            if not churn.lock_assessment(cursor):
                return None
            self._take_up_future(cursor)
            turn = (self._turn + 1) % churn.PARTS
            part = turn if in_parts and churn.pending(cursor) > FEW_CUSTOMERS else None
            aside = self._not_assessed.customer_ids
            taken = churn.take_changed(cursor, most + len(aside), part)
            left = sorted({*taken}.intersection(aside))
            changed = {*taken}.difference(aside)
            due = churn.due(cursor, now, max(DUE_A_TIME, most - len(changed)), aside)
            customer_ids = sorted({*changed, *due})
            if apart:
                left += self._not_assessed.search(
                    customer_ids,
                    lambda some: churn.reassess_apart(cursor, some, self._catalogue.churn, now),
                )
            else:
                churn.reassess(cursor, customer_ids, self._catalogue.churn, now)
            churn.put_back(cursor, left)
        if part is not None:
            self._turn = part
        if changed:
            self._vacuum.make_room("churn_pending")
        return len(customer_ids)

    def _assess_again(self, now: datetime, customer_ids: Sequence[str]) -> int | None:
        with self._transaction() as cursor:
            if not churn.lock_assessment(cursor):
                return None
            churn.reassess(cursor, customer_ids, self._catalogue.churn, now)
            return len(customer_ids)

    def _take_up_future(self, cursor: Cursor) -> None:
        """Now and then, since it reads them all: risks that were assessed while a clock was ahead."""
        moment = time.monotonic()
        if moment - self._future_looked_for >= PURGE_EVERY.total_seconds():
            self._future_looked_for = moment
            churn.take_up_future(cursor, server_now(cursor))

    def _assess_everyone(self, cursor: Cursor, now: datetime) -> int:
        cursor.execute("DELETE FROM churn_pending")
        cursor.execute("SELECT customer_id FROM customer ORDER BY customer_id")
        customer_ids = [customer_id for (customer_id,) in cursor.fetchall()]
        for first in range(0, len(customer_ids), CUSTOMERS_A_TIME):
            churn.reassess(
                cursor, customer_ids[first : first + CUSTOMERS_A_TIME], self._catalogue.churn, now
            )
        return len(customer_ids)

    def evaluate(
        self, now: datetime, every: timedelta = timedelta(0), *, catching_up: bool = False
    ) -> bool | None:
        """Start, renew and end alerts as of `now`; whether any started or ended.

        None where it is another worker's turn, or one evaluated within about `every`. While `catching_up` with a backlog only drops are
        looked for, and nothing ends.
        """
        if self._evaluated_at is not None and now < self._evaluated_at - LARGEST_SKEW:
            self._evaluator = Evaluator(self._catalogue)  # it has read for a time that was ahead
        self._evaluated_at = now
        with self._transaction() as cursor:
            changed = self._evaluator.judge_always(cursor, now, every, catching_up=catching_up)
        if changed is None or catching_up:
            return changed
        self._vacuum.make_room("arrival")
        with self._transaction() as cursor:
            others_are_due = self._evaluator.take_turn_at_the_others(cursor, now)
        if others_are_due:
            with self._transaction() as cursor:
                changed |= self._evaluator.judge_the_others(cursor, now)
        return changed

    def claim_messages(self, kind: OutboxKind, limit: int) -> Sequence[OutboxMessage]:
        """Take messages to send them, oldest first; none while another worker has some of that kind, for a minute at most."""
        with self._transaction() as cursor:
            return outbox.claim(cursor, kind, limit, self._name)

    def finish_messages(self, kind: OutboxKind, sent: Collection[int], now: datetime) -> None:
        """Those that were sent are done with; all others that were taken may be taken again."""
        with self._transaction() as cursor:
            outbox.finish(cursor, kind, sent, self._name, now)

    def delete_dead_letters(self, before: datetime) -> int:
        """Delete refused messages that were received before; how many. A call is short: there may be more."""
        started, deleted = time.monotonic(), 0
        while time.monotonic() - started < DELETION_BUDGET_SECONDS:
            with self._transaction() as cursor:
                found = delete_received_before(cursor, before, LETTERS_A_TIME)
            deleted += found
            if found < LETTERS_A_TIME:
                break
        return deleted

    def gauges(self, now: datetime) -> Sequence[GaugeSample]:
        """The gauges that are read from the tables; those over all customers may be a minute old, of a million some minutes."""
        with self._transaction() as cursor:
            found = read_gauges(cursor, now)
        return [*found, *self._customers.read(self._transaction)]

    @contextmanager
    def _transaction(
        self, deadline_seconds: float | None = None, *, ruled: bool = True
    ) -> Iterator[Cursor]:
        seconds = self._deadline_seconds if deadline_seconds is None else deadline_seconds
        with (
            checked_out(self._engine) as connection,
            guarded(connection, seconds),
            connection.cursor() as cursor,
        ):
            require_tables(cursor)
            if ruled:
                require_catalogue(cursor, self._catalogue)
            create_staging_tables(cursor)
            yield cursor
            connection.commit()
