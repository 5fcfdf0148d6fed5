"""Refused messages, for people: which, why, whole, and which to send again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Row, Select, func, select, update

from voc_stream.postgres.connection import asking
from voc_stream.postgres.tables import dead_letter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime


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
