"""What still has to go to a topic of Kafka: put there by the transaction that made it, claimed by one worker, removed once it was sent.

A message is sent again only where it remained unknown whether it had been: a worker died between sending and settling.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.ports import AlertMessage, DeadLetter, Partition
from voc_stream.postgres.locks import Lock, wait_for_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names its class in lower case

    from voc_stream.ports import OutboxKind, OutboxMessage

CLAIM = timedelta(minutes=1)
"""How long a worker has to send what it took, before another one may take it."""
CLAIMED_BYTES = 4 * 1024 * 1024
"""A claim holds no more, or one message that alone is larger."""


def put_alert(cursor: Cursor, alert_id: str, message: str) -> None:
    """Put what is to be said about an alert into the outbox."""
    cursor.execute("INSERT INTO outbox (kind, alert_id, message) VALUES ('alert', %s, %s)", (alert_id, message))


def claim(cursor: Cursor, kind: OutboxKind, limit: int, worker: str) -> Sequence[OutboxMessage]:
    """Take messages of a kind to send them, oldest first.

    None while another worker has some of that kind, for a minute at most: so none overtakes another.
    """
    wait_for_lock(cursor, Lock.OUTBOX)
    cursor.execute(
        # The time now, not that of the transaction: who waited for the lock began before the other one claimed.
        # A claim of the future was made while the server's clock was ahead.
        "SELECT 1 FROM outbox WHERE kind = %s AND claimed_by <> %s"
        " AND claimed_at > clock_timestamp() - %s AND claimed_at <= clock_timestamp() LIMIT 1",
        (kind, worker, CLAIM),
    )
    if cursor.fetchone() is not None:
        return []
    cursor.execute(
        "WITH oldest AS (SELECT number, dead_letter_id FROM outbox WHERE kind = %s ORDER BY number LIMIT %s),"
        " sized AS (SELECT o.number, sum(coalesce(octet_length(d.payload), 0)) OVER (ORDER BY o.number)"
        " - coalesce(octet_length(d.payload), 0) AS before FROM oldest o LEFT JOIN dead_letter d USING (dead_letter_id))"
        " UPDATE outbox SET claimed_at = clock_timestamp(), claimed_by = %s WHERE number IN (SELECT number FROM sized WHERE before < %s)"
        " RETURNING number",
        (kind, limit, worker, CLAIMED_BYTES),
    )
    numbers = [number for (number,) in cursor.fetchall()]
    return _alerts(cursor, numbers) if kind == "alert" else _letters(cursor, numbers)


def _alerts(cursor: Cursor, numbers: Sequence[int]) -> Sequence[OutboxMessage]:
    cursor.execute("SELECT number, alert_id, message FROM outbox WHERE number = ANY(%s) ORDER BY number", (numbers,))
    return [AlertMessage(number, alert_id, message.encode()) for number, alert_id, message in cursor]


def _letters(cursor: Cursor, numbers: Sequence[int]) -> Sequence[OutboxMessage]:
    cursor.execute(
        'SELECT o.number, dead_letter_id, d.topic, d.partition, d."offset", d.reason, d.detail, d.payload'
        " FROM outbox o JOIN dead_letter d USING (dead_letter_id) WHERE o.number = ANY(%s) ORDER BY o.number",
        (numbers,),
    )
    return [
        DeadLetter(number, dead_letter_id, Partition(topic, partition), offset, reason, detail, b"" if payload is None else bytes(payload))
        for number, dead_letter_id, topic, partition, offset, reason, detail, payload in cursor
    ]


def settle(cursor: Cursor, kind: OutboxKind, sent: Collection[int], worker: str, now: datetime) -> None:
    """Those that were sent are done with; all others that this worker took may be taken again."""
    cursor.execute("DELETE FROM outbox WHERE number = ANY(%s) RETURNING dead_letter_id", (list(sent),))
    letters = [dead_letter_id for (dead_letter_id,) in cursor.fetchall() if dead_letter_id is not None]
    if letters:
        cursor.execute("UPDATE dead_letter SET published_at = %s WHERE dead_letter_id = ANY(%s)", (now, letters))
    cursor.execute("UPDATE outbox SET claimed_at = NULL, claimed_by = NULL WHERE kind = %s AND claimed_by = %s", (kind, worker))
