"""Inserts accepted events and retractions once each, and finds what contradicts them.

`stored_events` reads them again.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import msgspec
from psycopg2.errors import InternalError_, UniqueViolation

from voc_stream.domain.moment import moment_of
from voc_stream.events.refusal import Refusal
from voc_stream.events.types import EVENT_TYPES, AnyEvent, AnyInput, Retraction
from voc_stream.pipeline.ports import Partition
from voc_stream.postgres.session.copy_csv import lines
from voc_stream.postgres.session.staging import copy_lines, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg2

    from voc_stream.pipeline.ports import Batch
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

COLUMNS = (
    "event_id", "type", "occurred_at", "customer_id", "site_id", "department", "employee_id",
    "product", "channel", "order_id", "body",
    "topic", "partition", "offset", "is_scored", "is_contact",
)  # fmt: skip
RETRACTION_COLUMNS = ("event_id", "occurred_at", "reason", "body", "topic", "partition", "offset")
# Events that are repeated at all are repeated again soon, and a plain COPY that fails leaves dead
# rows behind.
STAGED_AFTER_REPETITION = 50
_WHITE_SPACE_TO_BLANKS = bytes.maketrans(b"\t\n\r", b"   ")
# PostgreSQL could generate these columns, but its expression would list the types once more.
_OF_STRUCT = {struct: (name, struct.is_scored()) for name, struct in EVENT_TYPES.items()}
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
    """Inserts facts whose ids are new; PostgreSQL's primary key decides which are new."""

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
        """Whether a fact was repeated lately."""
        return self._staged_batches_left > 0

    def format(self, facts: Sequence[Fact[StatedT]]) -> bytes:
        """The rows of facts, for `copy` or `insert_unseen`."""
        return lines(map(self._row_of, facts))

    def copy(self, cursor: Cursor, data: bytes) -> None:
        """Insert facts of which all are new, at two thirds of the cost of `insert_unseen`.

        Raises an error of which `is_repetition` is true if a fact is not new.
        """
        copy_lines(cursor, self._table, self._columns, data)

    def is_repetition(self, error: psycopg2.Error) -> bool:
        """Whether an error of `copy` says that a fact is not new.

        A distributed server may pass the violation on as an internal error, with the name of the
        constraint on one of its parts.
        """
        if isinstance(error, UniqueViolation):
            return True
        violated = rf'duplicate key value violates unique constraint "{self._table}_pkey(_\d+)?"'
        return isinstance(error, InternalError_) and re.search(violated, str(error)) is not None

    def insert_unseen(self, cursor: Cursor, data: bytes, count: int) -> set[Place]:
        """Insert those of `count` facts that are new, and return their places.

        If an id is given more than once, its first fact is new.
        """
        stage(cursor, self._table, self._columns, data)
        names = ", ".join(f'"{name}"' for name in self._columns)
        cursor.execute(
            f"INSERT INTO {self._table} ({names}) SELECT {names} FROM staged_{self._table}"
            ' ORDER BY event_id, topic, partition, "offset" ON CONFLICT DO NOTHING RETURNING topic,'
            ' partition, "offset"'
        )
        inserted = {Place(Partition(topic, number), offset) for topic, number, offset in cursor}
        repeated = len(inserted) < count
        self._staged_batches_left = (
            STAGED_AFTER_REPETITION if repeated else max(0, self._staged_batches_left - 1)
        )
        return inserted

    def conflicting(self, cursor: Cursor, event_ids: Sequence[str]) -> dict[Place, Place]:
        """Find the facts, of these ids, that say something else than what is stored.

        They were given to `insert_unseen`. Returns, by the place of each such fact, the place from
        which the stored fact came. Facts are compared as `jsonb`, row by row through the primary
        key: planned as a join, all facts might be read.
        """
        cursor.execute(
            f'SELECT s.topic, s.partition, s."offset", t.topic, t.partition, t."offset" FROM'
            f" staged_{self._table} s, LATERAL"
            f' (SELECT topic, partition, "offset", body FROM {self._table} WHERE event_id ='
            f" s.event_id OFFSET 0) t"
            " WHERE s.event_id = ANY(%s) AND s.body::jsonb <> t.body::jsonb",
            (list(event_ids),),
        )
        return {
            Place(Partition(*row[:2]), row[2]): Place(Partition(*row[3:5]), row[5])
            for row in cursor
        }


def facts_of(batches: Sequence[Batch]) -> tuple[list[Fact[AnyEvent]], list[Fact[Retraction]]]:
    """The events and the retractions of batches, each sorted by id.

    Facts of one id are in the order of the log.

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


def events_table(follow_up: str | None) -> FactTable[AnyEvent]:
    """The table of events; `follow_up` is the stage of the catalogue's flow that is a contact."""
    return FactTable("touchpoint_event", COLUMNS, partial(_row, follow_up))


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


def _row(follow_up: str | None, fact: Fact[AnyEvent]) -> tuple[Value, ...]:
    event = fact.event
    type_name, is_scored = _OF_STRUCT[type(event)]
    return (
        event.event_id,
        type_name,
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
        is_scored,
        event.is_contact(follow_up),
    )


def _body(value: bytes) -> str:
    """The event as it came, in a form that COPY takes.

    Line ends and tabs become spaces; they can only stand between the parts of an event.
    """
    if b"\n" in value or b"\t" in value or b"\r" in value:
        value = value.translate(_WHITE_SPACE_TO_BLANKS)
    return value.decode()
