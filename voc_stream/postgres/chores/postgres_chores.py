"""Lists all chores of the store: how often each is due, and what it does.

Each chore is one transaction, or a few.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from voc_stream.pipeline.clocks import LARGEST_SKEW
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.alerting.evaluator import Evaluator
from voc_stream.postgres.chores.assess_churn import AssessChurn
from voc_stream.postgres.chores.fit_churn import FitChurn
from voc_stream.postgres.chores.measure_importance import MeasureImportance
from voc_stream.postgres.chores.move_histories import MoveHistories
from voc_stream.postgres.chores.read_texts import ReadTexts
from voc_stream.postgres.chores.refresh_tables import RefreshTables
from voc_stream.postgres.chores.timetable import timetable
from voc_stream.postgres.chores.walk_customers import WalkCustomers
from voc_stream.postgres.chores.worker_store import PostgresWorkerStore
from voc_stream.postgres.corrections.taking_back import take_out_next
from voc_stream.postgres.intake.dead_letters import delete_received_before
from voc_stream.postgres.intake.versioned_rows import ATTEMPTS_ON_CONFLICT, ChangedMeanwhileError
from voc_stream.postgres.reading.customer_gauges import CustomerGauges
from voc_stream.postgres.reading.gauges import read_gauges
from voc_stream.postgres.rolling.queue_vacuum import QueueVacuum
from voc_stream.postgres.session.connection import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.pipeline.chores import Chore, Circumstances, ShowChores
    from voc_stream.pipeline.clocks import ClockReading
    from voc_stream.pipeline.ports import GaugeSample

# A call ends after about this long even if there is more to do, so that other timers get their
# turn.
BUDGET_SECONDS = 5.0
# A customer of a million events, folded anew, takes some ten seconds.
TAKING_BACK_SECONDS = 100.0
# Old letters are deleted in small pieces, each a transaction of its own, so that nobody waits long.
LETTERS_A_TIME = 500
DELETION_BUDGET_SECONDS = 1.0

log = logging.getLogger(__name__)


class PostgresChores(PostgresWorkerStore):
    """The chores of one worker; one connection at a time, and not for two threads at once.

    Attributes:
        move_histories: counts earlier events under a new profile; see MoveHistories.
        assess_churn: brings risks to now; see AssessChurn.
        fit_churn: fits the churn model once a month, if `fits_churn_model`.
        measure_importance: derives how much ratings matter.
        read_texts: counts what complaints say, and suggests categories; see ReadTexts.
        walk_customers: keeps how risks came about; see WalkCustomers.
        refresh_sites: brings the rolling tables of sites to now; see RefreshTables.
        refresh_details: brings the other scopes and the cube to now.
    """

    def __init__(
        self,
        database_url: str,
        catalogue: Catalogue,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        fits_churn_model: bool = True,
    ) -> None:
        super().__init__(database_url, catalogue, deadline_seconds=deadline_seconds)
        self._vacuum = QueueVacuum(self._engine, deadline_seconds)
        self._customers = CustomerGauges()
        self._evaluator = Evaluator(catalogue)
        self._evaluated_at: datetime | None = None
        self._not_taken_back: set[int] = set()
        self.move_histories = MoveHistories(self.transaction, self._vacuum)
        self.assess_churn = AssessChurn(self.transaction, self._vacuum)
        self.read_texts = ReadTexts(self.transaction, self._vacuum)
        self.fit_churn = FitChurn(self.transaction, monthly=fits_churn_model)
        self.measure_importance = MeasureImportance(self.transaction)
        self.walk_customers = WalkCustomers(self.transaction, self._vacuum)
        tables = RefreshTables(self.transaction, self._vacuum)
        self.refresh_sites, self.refresh_details = tables.sites, tables.details

    def close(self) -> None:
        """Give the connections back."""
        super().close()
        self.move_histories.close()

    def chores(
        self, show: ShowChores, evaluate_every: timedelta, keep_letters: timedelta | None
    ) -> Sequence[Chore[object]]:
        """All chores of the store; see the port."""
        does: dict[str, Callable[[Circumstances], object]] = {
            "move_histories": lambda _: self.move_histories(),
            "settle_sites": lambda at: self.refresh_sites(at.now),
            "settle_details": lambda at: self.refresh_details(at.now, when_due=at.events_wait),
            "assess_churn": lambda at: self.assess_churn(at.now, in_parts=at.events_wait),
            "read_texts": lambda _: self.read_texts(),
            "measure_importance": lambda at: self.measure_importance(at.now),
            "walk_customers": lambda at: self.walk_customers(at.now, events_wait=at.events_wait),
            "fit_churn": lambda at: self.fit_churn(at.now),
            "take_back": lambda at: self.take_back(at.now),
            "evaluate": partial(self._evaluate_and_show, show, evaluate_every),
            "dead_letter_retention": partial(self._delete_old_letters, show, keep_letters),
            "readings": partial(self._show_gauges, show),
        }
        return [each.done_by(does[each.name]) for each in timetable(evaluate_every)]

    def _evaluate_and_show(self, show: ShowChores, every: timedelta, at: Circumstances) -> None:
        """Evaluate the alerts, and show at once what changed."""
        if self.evaluate(at.now, every, catching_up=at.in_backlog):
            self._show_gauges(show, at)

    def _show_gauges(self, show: ShowChores, at: Circumstances) -> None:
        show.publish(self.gauges(at.now))

    def _delete_old_letters(
        self, show: ShowChores, keep: timedelta | None, at: Circumstances
    ) -> None:
        deleted = 0 if keep is None else self.delete_dead_letters(at.now - keep)
        if keep is not None and deleted:
            log.info("%d dead letters older than %d days were deleted", deleted, keep.days)
            show.letters_deleted(deleted)

    def read_clocks(self) -> ClockReading:
        """See the port; risks that were assessed for the future are looked for."""
        reading = super().read_clocks()
        if reading.stored_ahead > LARGEST_SKEW:
            self.assess_churn.look_for_future()
        return reading

    def refresh(self, now: datetime) -> bool:
        """Take out, move and merge all that is pending.

        Then refresh the rolling tables and the cube. Returns False if another worker is at it.
        """
        while taken := self.take_back(now):
            pass
        while moved := self.move_histories():
            pass
        return (
            taken is not None
            and moved is not None
            and self.refresh_sites(now)
            and self.refresh_details(now, when_due=False)
            and self.read_texts(everything=True) is not None
            and self.measure_importance(now)
            and self.walk_customers(now, everything=True) is not None
        )

    def take_back(self, now: datetime) -> int | None:
        """Take the events out of the tables that waiting retractions name.

        Returns how many events they named, None if another worker is at it.
        """
        started, named = time.monotonic(), 0
        while time.monotonic() - started < BUDGET_SECONDS:
            taken = self._take_back_next(now)
            if taken is None:
                return None
            if not taken:
                break
            named += taken
        if named:
            log.info("%d events that retractions name are out of the tables", named)
            self._vacuum.make_room("retraction_pending")
        return named

    def _take_back_next(self, now: datetime) -> int | None:
        for _ in range(ATTEMPTS_ON_CONFLICT):
            try:
                with self.transaction(
                    max(self.transaction.deadline_seconds, TAKING_BACK_SECONDS)
                ) as cursor:
                    return take_out_next(cursor, self._catalogue, now, self._not_taken_back)
            except ChangedMeanwhileError:
                continue
        raise StoreUnavailableError(
            f"rows kept changing under {ATTEMPTS_ON_CONFLICT} attempts to take events out"
        )

    def evaluate(
        self, now: datetime, every: timedelta = timedelta(0), *, catching_up: bool = False
    ) -> bool | None:
        """Start, renew and end alerts as of `now`; returns whether any started or ended.

        None if it is another worker's turn, or if a worker evaluated within about `every`. While
        `catching_up` with a backlog, it looks only for drops, and no alert ends.
        """
        if self._evaluated_at is not None and now < self._evaluated_at - LARGEST_SKEW:
            self._evaluator = Evaluator(self._catalogue)  # it has read for a time that was ahead
        self._evaluated_at = now
        with self.transaction() as cursor:
            changed = self._evaluator.judge_always(cursor, now, every, catching_up=catching_up)
        if changed is None or catching_up:
            return changed
        self._vacuum.make_room("late_hour")
        with self.transaction() as cursor:
            others_are_due = self._evaluator.take_turn_at_the_others(cursor, now)
        if others_are_due:
            with self.transaction() as cursor:
                changed |= self._evaluator.judge_the_others(cursor, now)
        return changed

    def delete_dead_letters(self, before: datetime) -> int:
        """Delete refused messages that were received before a moment, and return how many.

        A call is short, so there may be more to delete.
        """
        started, deleted = time.monotonic(), 0
        while time.monotonic() - started < DELETION_BUDGET_SECONDS:
            with self.transaction() as cursor:
                found = delete_received_before(cursor, before, LETTERS_A_TIME)
            deleted += found
            if found < LETTERS_A_TIME:
                break
        return deleted

    def gauges(self, now: datetime) -> Sequence[GaugeSample]:
        """The gauges that are read from the tables.

        Gauges over all customers may be a minute old; with a million customers, some minutes.
        """
        with self.transaction() as cursor:
            found = read_gauges(cursor, self._catalogue, now)
        return [*found, *self._customers.read(self.transaction)]
