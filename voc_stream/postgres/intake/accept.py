"""Carries out the steps of `pipeline/take_in.py` in PostgreSQL.

Each event or retraction of a batch is accepted, or is a repetition, or contradicts an earlier one,
or was taken back. Positions move and refusals are kept in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

import psycopg2

from voc_stream.domain.moment import moment_of
from voc_stream.events.refusal import Refusal
from voc_stream.pipeline.ports import BatchResult, RefusalLimitError
from voc_stream.postgres.intake.dead_letters import insert_dead_letters
from voc_stream.postgres.intake.event_log import (
    Fact,
    FactTable,
    Place,
    StatedT,
    events_table,
    facts_of,
    retractions_table,
)
from voc_stream.postgres.intake.load_fold_save import Folding
from voc_stream.postgres.intake.retractions import RetractedEvents, remember, without_retracted
from voc_stream.postgres.intake.stream_position import claim, write_records
from voc_stream.postgres.intake.versioned_rows import EntityStore
from voc_stream.postgres.session.background import Background
from voc_stream.postgres.session.locks import keep_batches_out

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyEvent, Retraction
    from voc_stream.pipeline.ports import Batch, Partition
    from voc_stream.pipeline.refusal_limit import RefusalLimit, RefusalRecord
    from voc_stream.postgres.session.cursor import Cursor

Letter: TypeAlias = tuple[int, bytes | None, Refusal]
"""A message that is refused: its offset, its bytes, and why."""


class Intake:
    """What one connection keeps from one batch to the next.

    Attributes:
        catalogue: the experiences and rules of the fold.
        limit: at how many refusals a partition stops.
        entities: the rows at hand; the caller tells them how the transaction ended.
        events: the table of events.
        retractions: the table of retractions.
        retracted: the ids that count nowhere.
        background: runs statements while the next rows are formatted.
    """

    def __init__(self, catalogue: Catalogue, limit: RefusalLimit) -> None:
        self.catalogue = catalogue
        self.limit = limit
        self.entities = EntityStore()
        self.events = events_table(catalogue.flow.follow_up)
        self.retractions = retractions_table()
        self.retracted = RetractedEvents()
        self.background = Background()

    def abandon(self) -> None:
        """Wait until what is under way on the connection has ended, in whatever way."""
        self.background.abandon()

    def close(self) -> None:
        """End the background thread."""
        self.background.close()


class BatchSteps:
    """The steps of one transaction: `pipeline.take_in.Steps` of facts."""

    def __init__(
        self, cursor: Cursor, intake: Intake, batches: Sequence[Batch], now: datetime
    ) -> None:
        self._cursor, self._intake, self._batches, self._now = cursor, intake, batches, now
        self._facts, self._retractions = facts_of(batches)
        self._event_times = [_latest_event_time(batch) for batch in batches]
        self._before: dict[Partition, RefusalRecord] = {}
        self._accepted: Counter[Partition] = Counter()
        self._retracted: Counter[Partition] = Counter()
        self._conflicts: dict[Place, Refusal] = {}

    def claim(self) -> None:
        """Move the positions, and read how much the partitions had refused until then."""
        if self._retractions:
            # What was taken in before is then committed and will be found. Whatever comes after
            # sees the ids.
            keep_batches_out(self._cursor)
        self._before.update(claim(self._cursor, self._batches, self._event_times))

    def admit(self) -> Sequence[Fact[AnyEvent]]:
        """Keep the retractions that are new, and return the events that none has taken back."""
        accepted = self._insert_retractions() if self._retractions else []
        known = (
            self._intake.retracted.among(
                self._cursor, {fact.event.event_id for fact in self._facts}
            )
            if self._facts
            else set()
        )
        if accepted:
            remember(self._cursor, [fact.event for fact in accepted])
        kept = without_retracted(self._facts, known, accepted)
        if len(kept) < len(self._facts):
            self._retracted.update(fact.partition for fact in self._facts)
            self._retracted.subtract(fact.partition for fact in kept)
        return kept

    def _insert_retractions(self) -> list[Fact[Retraction]]:
        table = self._intake.retractions
        inserted = table.insert_unseen(
            self._cursor, table.format(self._retractions), len(self._retractions)
        )
        self._find_conflicts(table, self._retractions, inserted)
        accepted = [fact for fact in self._retractions if fact.place in inserted]
        self._count_accepted(accepted)
        return accepted

    def are_probably_new(self, events: Sequence[Fact[AnyEvent]]) -> bool:
        """Whether the events are probably new: after a repetition, more repetitions follow soon."""
        if not events or self._intake.events.expects_repetition:
            return False
        return len({fact.event.event_id for fact in events}) == len(events)

    def insert_while(self, work: Callable[[], None], events: Sequence[Fact[AnyEvent]]) -> bool:
        """Insert the events, and do the work meanwhile.

        Returns False if an event was not new; then none is inserted.
        """
        background, data = self._intake.background, self._intake.events.format(events)
        self._cursor.execute("SAVEPOINT facts")
        background.run(partial(self._intake.events.copy, self._cursor, data))
        work()
        try:
            background.wait()
        except psycopg2.Error as error:
            if not self._intake.events.is_repetition(error):
                raise
            self._cursor.execute("ROLLBACK TO SAVEPOINT facts")
            return False
        self._count_accepted(events)
        return True

    def insert_unseen(self, events: Sequence[Fact[AnyEvent]]) -> Sequence[Fact[AnyEvent]]:
        """Insert the events that are new, and return them.

        Events that contradict an earlier one are refused, each with its reason.
        """
        if not events:
            return []
        table = self._intake.events
        inserted = table.insert_unseen(self._cursor, table.format(events), len(events))
        self._find_conflicts(table, events, inserted)
        unseen = [fact for fact in events if fact.place in inserted]
        self._count_accepted(unseen)
        return unseen

    def load(self, events: Sequence[Fact[AnyEvent]]) -> Folding:
        """Read the rows that the events touch."""
        intake = self._intake
        found = [fact.event for fact in events]
        folding = Folding(self._cursor, intake.entities, intake.catalogue, found, self._now)
        folding.load()
        return folding

    def forget(self) -> None:
        """Drop the rows at hand: a fold has spoilt them."""
        self._intake.entities.forget()

    def save(self, fold: Folding) -> Sequence[BatchResult]:
        """Write what the fold changed, what was refused, and how much was refused.

        Returns the result of each batch.
        """
        if fold.events:
            # Its position is locked, so its increments are committed in their order.
            fold.save(self._intake.background, self._batches[0].partition)
        results, records = [], dict(self._before)
        for batch, event_time in zip(self._batches, self._event_times, strict=True):
            refusals = [
                (offset, value, content)
                for offset, value, content in batch.messages
                if isinstance(content, Refusal)
            ]
            conflicting = self._conflicting(batch) if self._conflicts else []
            letters = sorted([*refusals, *conflicting], key=itemgetter(0))
            records[batch.partition] = self._record(batch, letters)
            if letters:
                topic_id = batch.expected.topic_id
                insert_dead_letters(self._cursor, topic_id, batch.partition, letters, self._now)
            accepted, retracted = self._accepted[batch.partition], self._retracted[batch.partition]
            others = len(refusals) + len(conflicting) + retracted + accepted
            results.append(
                BatchResult(
                    accepted=accepted,
                    duplicate=len(batch.messages) - others,
                    rejected=len(refusals),
                    next_offset=batch.next_offset,
                    latest_event_time=event_time,
                    conflicting=len(conflicting),
                    retracted=retracted,
                    refusals=records[batch.partition],
                )
            )
        changed = {each: record for each, record in records.items() if record != self._before[each]}
        if changed:
            write_records(self._cursor, changed)
        return results

    def _count_accepted(self, facts: Sequence[Fact[StatedT]]) -> None:
        self._accepted.update([fact.partition for fact in facts])

    def _find_conflicts(
        self,
        table: FactTable[StatedT],
        facts: Sequence[Fact[StatedT]],
        inserted: Collection[Place],
    ) -> None:
        """Note why events are refused that contradict an earlier one."""
        repeated = {fact.place: fact.event.event_id for fact in facts if fact.place not in inserted}
        if not repeated:
            return
        found = table.conflicting(self._cursor, sorted({*repeated.values()}))
        self._conflicts.update(
            {place: _conflict(repeated[place], first) for place, first in found.items()}
        )

    def _conflicting(self, batch: Batch) -> list[Letter]:
        """The messages of a batch that are conflicts."""
        found = [
            (offset, value, self._conflicts.get(Place(batch.partition, offset)))
            for offset, value, _ in batch.messages
        ]
        return [(offset, value, refusal) for offset, value, refusal in found if refusal is not None]

    def _record(self, batch: Batch, letters: Sequence[Letter]) -> RefusalRecord:
        """What the partition has refused once the batch is taken in.

        Raises RefusalLimitError if that is too much.
        """
        before = self._before[batch.partition]
        refused = {offset: refusal for offset, _, refusal in letters}
        contents = [refused.get(message.offset) for message in batch.messages]
        admitted = self._intake.limit.admits(before, contents)
        if admitted < len(contents):
            offset = batch.messages[admitted].offset
            raise RefusalLimitError(
                batch.partition, offset, refused[offset], before.after(contents[:admitted])
            )
        return before.after(contents)


def _latest_event_time(batch: Batch) -> datetime | None:
    """When the latest event of the batch occurred, in UTC; None if the batch has none."""
    return max(
        [
            moment_of(content)
            for _, _, content in batch.messages
            if not isinstance(content, Refusal)
        ],
        default=None,
    )


def _conflict(event_id: str, first: Place) -> Refusal:
    where = f"{first.partition} at offset {first.offset}"
    advice = (
        "an event never changes: take the first one back with `voc-stream retract` and send the"
        " right one under a new id"
    )
    return Refusal(
        "conflicting_event",
        f"event_id: {event_id} came before with other content, from {where}; {advice}",
    )
