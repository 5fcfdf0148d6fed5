"""What becomes of the events and retractions of a batch: taken in, a repetition, a contradiction of something earlier, or taken back.

Nearly always all events are new, so they are inserted while they are folded as if they were; where one was not, the unseen ones are
found first.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from psycopg2.errors import UniqueViolation

from voc_stream.events.decode import Refusal
from voc_stream.events.types import Retraction
from voc_stream.postgres.intake.event_log import (
    Fact,
    FactTable,
    Place,
    StatedT,
    events_table,
    retractions_table,
)
from voc_stream.postgres.intake.load_fold_save import Folding
from voc_stream.postgres.intake.retractions import RetractedEvents, remember
from voc_stream.postgres.intake.versioned_rows import EntityStore
from voc_stream.postgres.session.background import Background

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyEvent
    from voc_stream.pipeline.ports import Batch, Partition
    from voc_stream.postgres.session.cursor import Cursor


class Judged(NamedTuple):
    """What became of events and retractions: how many were accepted and how many taken back, by partition, and what is refused."""

    accepted: Counter[Partition]
    retracted: Counter[Partition]
    conflicts: Mapping[Place, Refusal]


class Intake:
    """Takes events and retractions into the tables, within the caller's transaction.

    Attributes:
        entities: the rows at hand; the caller tells them how the transaction ended.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.entities = EntityStore()
        self._facts = events_table()
        self._retractions = retractions_table()
        self._retracted = RetractedEvents()
        self._background = Background()

    def abandon(self) -> None:
        """Until what is under way on the connection has ended, whatever became of it."""
        self._background.abandon()

    def close(self) -> None:
        """End its thread."""
        self._background.close()

    def take_in(
        self,
        cursor: Cursor,
        facts: Sequence[Fact[AnyEvent]],
        retractions: Sequence[Fact[Retraction]],
        now: datetime,
    ) -> Judged:
        """Take in what is new, leave out what was taken back, and find what contradicts something earlier.

        In one partition an event is taken back by what was taken in before it or stands before it in the log, however that is cut.
        """
        accepted, conflicts = self._take_back(cursor, retractions) if retractions else ((), {})
        if not facts:
            self._remember(cursor, accepted)
            return Judged(Counter([fact.partition for fact in accepted]), Counter(), conflicts)
        named = _named_at(accepted)
        known = self._retracted.among(cursor, {fact.event.event_id for fact in facts})
        self._remember(cursor, accepted)
        gone: Counter[Partition] = Counter()
        if known or named:
            kept = [
                fact
                for fact in facts
                if fact.event.event_id not in known and not _comes_after(fact, named)
            ]
            gone = Counter([fact.partition for fact in facts])
            gone.subtract([fact.partition for fact in kept])
            facts = kept
        unseen, contradictions = self._accept(cursor, facts, now) if facts else ((), {})
        counted = Counter([fact.partition for fact in unseen])
        counted.update([fact.partition for fact in accepted])
        return Judged(counted, gone, {**conflicts, **contradictions})

    def _take_back(
        self, cursor: Cursor, retractions: Sequence[Fact[Retraction]]
    ) -> tuple[Sequence[Fact[Retraction]], Mapping[Place, Refusal]]:
        """Insert the retractions that are new; which they are, and why those are refused that contradict an earlier one."""
        inserted = self._retractions.insert_unseen(
            cursor, self._retractions.format(retractions), len(retractions)
        )
        return [fact for fact in retractions if fact.place in inserted], self._conflicts(
            cursor, self._retractions, retractions, inserted
        )

    @staticmethod
    def _remember(cursor: Cursor, accepted: Sequence[Fact[Retraction]]) -> None:
        if accepted:
            remember(cursor, [fact.event for fact in accepted])

    @staticmethod
    def _conflicts(
        cursor: Cursor,
        table: FactTable[StatedT],
        facts: Sequence[Fact[StatedT]],
        inserted: Collection[Place],
    ) -> dict[Place, Refusal]:
        repeated = {fact.place: fact.event.event_id for fact in facts if fact.place not in inserted}
        found = table.conflicting(cursor, sorted({*repeated.values()})) if repeated else {}
        return {place: _conflict(repeated[place], first) for place, first in found.items()}

    def _accept(
        self, cursor: Cursor, facts: Sequence[Fact[AnyEvent]], now: datetime
    ) -> tuple[Sequence[Fact[AnyEvent]], Mapping[Place, Refusal]]:
        """Insert and fold the events that are new; which they are, and why those are refused that contradict an earlier one."""
        data = self._facts.format(facts)
        if not self._facts.expects_repetition and len(
            {fact.event.event_id for fact in facts}
        ) == len(facts):
            if self._accept_all(cursor, data, [fact.event for fact in facts], now):
                return facts, {}
            self.entities.forget()
        inserted = self._facts.insert_unseen(cursor, data, len(facts))
        unseen = [fact for fact in facts if fact.place in inserted]
        if unseen:
            folding = Folding(
                cursor, self.entities, self._catalogue, [fact.event for fact in unseen], now
            )
            folding.load()
            folding.apply()
            folding.save(self._background)
        return unseen, self._conflicts(cursor, self._facts, facts, inserted)

    def _accept_all(
        self, cursor: Cursor, data: bytes, events: Sequence[AnyEvent], now: datetime
    ) -> bool:
        """Fold the events while they are inserted, as if all were new; False where one was not, and the states at hand are spoilt."""
        folding = Folding(cursor, self.entities, self._catalogue, events, now)
        folding.load()
        cursor.execute("SAVEPOINT facts")
        self._background.run(partial(self._facts.copy, cursor, data))
        folding.apply()
        try:
            self._background.wait()
        except UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT facts")
            return False
        folding.save(self._background)
        return True


def facts_of(batches: Sequence[Batch]) -> tuple[list[Fact[AnyEvent]], list[Fact[Retraction]]]:
    """The events and the retractions of batches, each sorted by id, of one id in the order of the log.

    Sorted, so that two workers that insert the same ids wait for each other instead of deadlocking.
    """
    facts: list[Fact[AnyEvent]] = []
    retractions: list[Fact[Retraction]] = []
    for batch in batches:
        for offset, value, content in batch.messages:
            if value is None or isinstance(content, Refusal):
                continue
            if isinstance(content, Retraction):
                retractions.append(Fact(content, value, batch.partition, offset))
            else:
                facts.append(Fact(content, value, batch.partition, offset))
    facts.sort(key=lambda fact: fact.event.event_id)
    retractions.sort(key=lambda fact: fact.event.event_id)
    return facts, retractions


def _named_at(retractions: Sequence[Fact[Retraction]]) -> dict[str, Place]:
    """The ids that retractions name, and where that is said first."""
    named: dict[str, Place] = {}
    for fact in retractions:
        for event_id in fact.event.event_ids:
            named[event_id] = min(fact.place, named.get(event_id, fact.place))
    return named


def _comes_after(fact: Fact[AnyEvent], named: Mapping[str, Place]) -> bool:
    place = named.get(fact.event.event_id)
    return place is not None and place < fact.place


def _conflict(event_id: str, first: Place) -> Refusal:
    where = f"{first.partition} at offset {first.offset}"
    advice = "an event never changes: take the first one back with `voc-stream retract` and send the right one under a new id"
    return Refusal(
        "conflicting_event",
        f"event_id: {event_id} came before with other content, from {where}; {advice}",
    )
