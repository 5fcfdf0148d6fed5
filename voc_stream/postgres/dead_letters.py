"""Refused messages: kept by the batch that refused them, handed out for their topic, and shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg2
from sqlalchemy import Row, Select, func, select, update

from voc_stream.ports import DeadLetter, Partition
from voc_stream.postgres.connection import asking
from voc_stream.postgres.tables import dead_letter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.events.decode import Refusal


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
    """How often a reason was given, and how many of those have not been sent again."""

    reason: str
    messages: int
    not_retried: int


class DeadLetterOffice:
    """Reads and marks dead letters. Every method raises StoreUnavailableError where the database or its tables are not there."""

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

    def newest(self, limit: int, reason: str | None = None) -> Sequence[RefusedMessage]:
        """The newest refusals, newest first; of one reason, if given."""
        query = _messages().order_by(dead_letter.c.dead_letter_id.desc()).limit(limit)
        rows = self._read(query if reason is None else query.where(dead_letter.c.reason == reason))
        return [RefusedMessage._make(row) for row in rows]

    def by_number(self, numbers: Collection[int]) -> Sequence[RefusedMessage]:
        """Those with these numbers."""
        rows = self._read(_messages().where(dead_letter.c.dead_letter_id.in_(numbers)).order_by(dead_letter.c.dead_letter_id))
        return [RefusedMessage._make(row) for row in rows]

    def not_retried(self, reason: str | None = None) -> Sequence[RefusedMessage]:
        """All that were never sent again, oldest first; of one reason, if given."""
        query = _messages().where(dead_letter.c.retried_at.is_(None)).order_by(dead_letter.c.dead_letter_id)
        rows = self._read(query if reason is None else query.where(dead_letter.c.reason == reason))
        return [RefusedMessage._make(row) for row in rows]

    def mark_retried(self, numbers: Collection[int], now: datetime) -> None:
        """Note that these were sent again."""
        with asking(self._database_url) as connection:
            connection.execute(update(dead_letter).where(dead_letter.c.dead_letter_id.in_(numbers)).values(retried_at=now))

    def _read(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with asking(self._database_url) as connection:
            return connection.execute(query).all()


def _messages() -> Select[Any]:
    columns = ("dead_letter_id", "topic", "partition", "offset", "reason", "detail", "payload", "received_at", "retried_at")
    return select(*(dead_letter.c[name] for name in columns))


def read_unpublished(cursor: Cursor, limit: int) -> list[DeadLetter]:
    """Those that have not yet gone to the dead-letter topic, oldest first."""
    cursor.execute(
        'SELECT dead_letter_id, topic, partition, "offset", reason, detail, payload FROM dead_letter'
        " WHERE published_at IS NULL ORDER BY dead_letter_id LIMIT %s",
        (limit,),
    )
    return [
        DeadLetter(number, Partition(topic, partition), offset, reason, detail, b"" if payload is None else bytes(payload))
        for number, topic, partition, offset, reason, detail, payload in cursor
    ]


def mark_published(cursor: Cursor, dead_letter_ids: Collection[int], now: datetime) -> None:
    """Note that these have gone to the dead-letter topic."""
    cursor.execute("UPDATE dead_letter SET published_at = %s WHERE dead_letter_id = ANY(%s)", (now, list(dead_letter_ids)))


def insert_dead_letters(
    cursor: Cursor, topic_id: str, partition: Partition, refusals: Sequence[tuple[int, bytes | None, Refusal]], now: datetime
) -> None:
    """Write refused messages, whole; one that stands there already (the log is read again) stays as it is."""
    for offset, value, refusal in refusals:
        cursor.execute(
            'INSERT INTO dead_letter (topic_id, topic, partition, "offset", reason, detail, payload, received_at)'
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (topic_id, *partition, offset, refusal.reason, refusal.detail, None if value is None else psycopg2.Binary(value), now),
        )
