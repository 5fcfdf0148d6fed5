"""Accepted events and retractions: each is inserted once, and what contradicts it is found. `stored_events` reads them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec

from voc_stream.domain.moment import moment_of
from voc_stream.events.refusal import Refusal
from voc_stream.events.types import AnyEvent, AnyInput, Retraction
from voc_stream.pipeline.ports import Partition
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import copy_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voc_stream.pipeline.ports import Batch
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

COLUMNS = (
    "event_id", "type", "occurred_at", "customer_id", "site_id", "department", "employee_id", "product", "channel", "order_id", "body",
    "topic", "partition", "offset",
)  # fmt: skip
RETRACTION_COLUMNS = ("event_id", "occurred_at", "reason", "body", "topic", "partition", "offset")
# Where events are repeated at all they are repeated again soon, and a plain COPY that fails leaves dead rows behind.
STAGED_AFTER_REPETITION = 50
_WHITE_SPACE_TO_BLANKS = bytes.maketrans(b"\t\n\r", b"   ")
StatedT = TypeVar("StatedT", bound=AnyInput)


class Place(NamedTuple):
    """Where a message was read."""

    partition: Partition
    offset: int


class Fact(msgspec.Struct, Generic[StatedT], frozen=True, gc=False):
    """An event or a retraction with its bytes and where they were read."""

    event: StatedT
    value: bytes
    partition: Partition
    offset: int

    @property
    def place(self) -> Place:
        """Where it was read."""
        return Place(self.partition, self.offset)


class FactTable(Generic[StatedT]):
    """Inserts facts whose ids are new. PostgreSQL's primary key decides which are."""

    def __init__(
        self,
        table: str,
        columns: Sequence[str],
        row_of: Callable[[Fact[StatedT]], tuple[Value, ...]],
    ) -> None:
        self._table, self._columns, self._row_of = table, columns, row_of
        self._staged_batches_left = 0

    @property
    def expects_repetition(self) -> bool:
        """Whether some fact was repeated lately."""
        return self._staged_batches_left > 0

    def format(self, facts: Sequence[Fact[StatedT]]) -> bytes:
        """The rows of facts, for `copy` or `insert_unseen`."""
        return lines(map(self._row_of, facts))

    def copy(self, cursor: Cursor, data: bytes) -> None:
        """Insert facts of which all are new: two thirds of the cost of `insert_unseen`. Raises UniqueViolation where one is not."""
        copy_lines(cursor, self._table, self._columns, data)

    def insert_unseen(self, cursor: Cursor, data: bytes, count: int) -> set[Place]:
        """Insert those of `count` facts that are new, of an id that is given more than once the first; their places."""
        copy_lines(cursor, f"staged_{self._table}", self._columns, data)
        names = ", ".join(f'"{name}"' for name in self._columns)
        cursor.execute(
            f"INSERT INTO {self._table} ({names}) SELECT {names} FROM staged_{self._table}"
            ' ORDER BY event_id, topic, partition, "offset" ON CONFLICT DO NOTHING RETURNING topic, partition, "offset"'
        )
        inserted = {Place(Partition(topic, number), offset) for topic, number, offset in cursor}
        repeated = len(inserted) < count
        self._staged_batches_left = (
            STAGED_AFTER_REPETITION if repeated else max(0, self._staged_batches_left - 1)
        )
        return inserted

    def conflicting(self, cursor: Cursor, event_ids: Sequence[str]) -> dict[Place, Place]:
        """Of the facts given to `insert_unseen` under these ids those that say something else than what is stored; where that is from.

        They are compared as `jsonb`. Row by row through the primary key: planned as a join, all facts might be read.
        """
        cursor.execute(
            f'SELECT s.topic, s.partition, s."offset", t.topic, t.partition, t."offset" FROM staged_{self._table} s, LATERAL'
            f' (SELECT topic, partition, "offset", body FROM {self._table} WHERE event_id = s.event_id OFFSET 0) t'
            " WHERE s.event_id = ANY(%s) AND s.body <> t.body",
            (list(event_ids),),
        )
        return {
            Place(Partition(*row[:2]), row[2]): Place(Partition(*row[3:5]), row[5])
            for row in cursor
        }


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


def events_table() -> FactTable[AnyEvent]:
    """The table of events."""
    return FactTable("touchpoint_event", COLUMNS, _row)


def retractions_table() -> FactTable[Retraction]:
    """The table of retractions."""
    return FactTable("retraction", RETRACTION_COLUMNS, _retraction_row)


def _retraction_row(fact: Fact[Retraction]) -> tuple[Value, ...]:
    retraction = fact.event
    return (
        retraction.event_id,
        moment_of(retraction),
        retraction.reason,
        _body(fact.value),
        *fact.partition,
        fact.offset,
    )


def _row(fact: Fact[AnyEvent]) -> tuple[Value, ...]:
    event = fact.event
    return (
        event.event_id,
        event.__struct_config__.tag,
        moment_of(event),  # PostgreSQL reads no offset of 16 hours or more
        event.customer_id,
        event.site_id,
        event.department,
        event.employee_id,
        event.product,
        event.channel,
        event.order_id,
        _body(fact.value),
        *fact.partition,
        fact.offset,
    )


def _body(value: bytes) -> str:
    """The event as it came; line ends and tabs, which can only stand between its parts, become spaces, as COPY needs it."""
    if b"\n" in value or b"\t" in value or b"\r" in value:
        value = value.translate(_WHITE_SPACE_TO_BLANKS)
    return value.decode()
