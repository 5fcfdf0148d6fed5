"""Keeps refused messages, hands them out for their topic, and shows them to people.

The batch that refuses a message keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import psycopg2
from psycopg2.extras import execute_values
from sqlalchemy import Select, func, null, select, update

from voc_stream.postgres.schema.tables.intake import dead_letter
from voc_stream.postgres.session.connection import asking

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    import sqlalchemy

    from voc_stream.events.decode import Refusal
    from voc_stream.pipeline.ports import Partition
    from voc_stream.postgres.session.cursor import Cursor

# How many bytes one statement holds.
PAGE_BYTES = 1024 * 1024
PAGE_ROWS = 500
# How many bytes a command has in memory at once.
RETRIED_BYTES = 8 * 1024 * 1024
RETRIED_ROWS = 5_000

Row = TypeVar("Row")


class RefusedMessage(NamedTuple):
    """One refused message; `payload` is None for a message without a value."""

    number: int
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    payload: bytes | None
    received_at: datetime
    retried_at: datetime | None


class ReasonCount(NamedTuple):
    """How often a reason was given, and how many of these messages have not been sent again."""

    reason: str
    messages: int
    not_retried: int


class DeadLetterOffice:
    """Reads and marks dead letters.

    Every method raises StoreUnavailableError if the database or its tables are not there.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    def count_by_reason(self) -> Sequence[ReasonCount]:
        """All reasons, most frequent first."""
        count = func.count()
        rows = self._read(
            select(dead_letter.c.reason, count, count.filter(dead_letter.c.retried_at.is_(None)))
            .group_by(dead_letter.c.reason)
            .order_by(count.desc(), dead_letter.c.reason)
        )
        return [ReasonCount._make(row) for row in rows]

    def newest(
        self, limit: int, reason: str | None = None, before: int | None = None
    ) -> Sequence[RefusedMessage]:
        """The newest refusals without their bytes, newest first.

        They have one reason, if it is given, and numbers below `before`.
        """
        query = (
            _messages(with_payload=False).order_by(dead_letter.c.dead_letter_id.desc()).limit(limit)
        )
        if reason is not None:
            query = query.where(dead_letter.c.reason == reason)
        if before is not None:
            query = query.where(dead_letter.c.dead_letter_id < before)
        return [RefusedMessage._make(row) for row in self._read(query)]

    def by_number(self, numbers: Collection[int]) -> Sequence[RefusedMessage]:
        """The refused messages with these numbers."""
        rows = self._read(
            _messages()
            .where(dead_letter.c.dead_letter_id.in_(numbers))
            .order_by(dead_letter.c.dead_letter_id)
        )
        return [RefusedMessage._make(row) for row in rows]

    def newest_number(self) -> int:
        """The greatest number; 0 if there are no refused messages."""
        return int(
            self._read(select(func.coalesce(func.max(dead_letter.c.dead_letter_id), 0)))[0][0]
        )

    def not_retried(
        self, reason: str | None = None, *, after: int = 0, up_to: int | None = None
    ) -> Sequence[RefusedMessage]:
        """A page of the messages that were never sent again, oldest first.

        They have one reason, and numbers above one bound and up to another, if these are given.
        """
        number, size = dead_letter.c.dead_letter_id, func.octet_length(dead_letter.c.payload)
        query = (
            select(number, size)
            .where(dead_letter.c.retried_at.is_(None), number > after)
            .order_by(number)
            .limit(RETRIED_ROWS)
        )
        if reason is not None:
            query = query.where(dead_letter.c.reason == reason)
        if up_to is not None:
            query = query.where(number <= up_to)
        found: Sequence[Any] = self._read(query)
        sizes = [row[1] or 0 for row in found]
        page = next(iter(pages([row[0] for row in found], sizes, RETRIED_BYTES, RETRIED_ROWS)), [])
        return self.by_number(page) if page else []

    def mark_retried(self, numbers: Collection[int], now: datetime) -> None:
        """Note that these messages were sent again."""
        with asking(self._database_url) as connection:
            connection.execute(
                update(dead_letter)
                .where(dead_letter.c.dead_letter_id.in_(numbers))
                .values(retried_at=now)
            )

    def _read(self, query: Select[Any]) -> Sequence[sqlalchemy.Row[Any]]:
        with asking(self._database_url) as connection:
            return connection.execute(query).all()


def _messages(*, with_payload: bool = True) -> Select[Any]:
    before = (
        dead_letter.c[name]
        for name in ("dead_letter_id", "topic", "partition", "offset", "reason", "detail")
    )
    payload = dead_letter.c.payload if with_payload else null().label("payload")
    return select(*before, payload, dead_letter.c.received_at, dead_letter.c.retried_at)


def insert_dead_letters(
    cursor: Cursor,
    topic_id: str,
    partition: Partition,
    refusals: Sequence[tuple[int, bytes | None, Refusal]],
    now: datetime,
) -> None:
    """Write refused messages, whole, and put them into the outbox.

    A message that stands there already stays as it is: the log was read again.
    """
    rows = [
        (
            topic_id,
            *partition,
            offset,
            refusal.reason,
            refusal.detail,
            None if value is None else psycopg2.Binary(value),
            now,
        )
        for offset, value, refusal in refusals
    ]
    for page in pages(rows, [len(value or b"") for _, value, _ in refusals]):
        execute_values(
            cursor,
            "WITH inserted AS (INSERT INTO dead_letter"
            ' (topic_id, topic, partition, "offset", reason, detail, payload, received_at)'
            " VALUES %s ON CONFLICT DO NOTHING RETURNING dead_letter_id)"
            " INSERT INTO outbox (kind, dead_letter_id) SELECT 'dead_letter', dead_letter_id"
            " FROM inserted",
            page,
            page_size=len(page),
        )


def pages(
    rows: Sequence[Row],
    sizes: Sequence[int],
    most_bytes: int = PAGE_BYTES,
    most_rows: int = PAGE_ROWS,
) -> Iterator[Sequence[Row]]:
    """Page rows in order, as many a page as one statement should hold, given the bytes of each row.

    >>> [len(page) for page in pages("abcd", [PAGE_BYTES, 1, 1, PAGE_BYTES])]
    [1, 2, 1]
    """
    first, filled = 0, 0
    for place, size in enumerate(sizes):
        if place > first and (filled + size > most_bytes or place - first >= most_rows):
            yield rows[first:place]
            first, filled = place, 0
        filled += size
    if first < len(rows):
        yield rows[first:]


def delete_received_before(cursor: Cursor, moment: datetime, limit: int) -> int:
    """Delete those of the `limit` oldest messages that were received before `moment`.

    They must be at least a day old. Returns how many were deleted.
    """
    cursor.execute("SELECT delete_dead_letters(%s, %s)", (moment, limit))
    ((deleted,),) = cursor.fetchall()
    return int(deleted)
