"""Holds what still has to go to a topic of Kafka.

The transaction that makes a message puts it there. One worker claims it, and it is removed once it
was sent. A message is sent again only if a worker died between sending and finishing: then it
remains unknown whether the message was sent.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from voc_stream.pipeline.ports import AlertMessage, DeadLetter, Partition
from voc_stream.postgres.session.locks import Lock, wait_for_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from voc_stream.pipeline.ports import OutboxKind, OutboxMessage
    from voc_stream.postgres.session.cursor import Cursor

CLAIM = timedelta(minutes=1)
"""How long a worker has to send what it took, before another one may take it."""
CLAIMED_BYTES = 4 * 1024 * 1024
"""A claim holds no more bytes, or one message that alone is larger."""


def put_alert(cursor: Cursor, alert_id: str, message: str) -> None:
    """Put a message about an alert into the outbox."""
    cursor.execute(
        "INSERT INTO outbox (kind, alert_id, message) VALUES ('alert', %s, %s)", (alert_id, message)
    )


def claim(cursor: Cursor, kind: OutboxKind, limit: int, worker: str) -> Sequence[OutboxMessage]:
    """Take messages of a kind to send them, oldest first.

    Returns nothing while another worker has claimed messages of that kind, for a minute at most. So
    no message overtakes another.
    """
    wait_for_lock(cursor, Lock.OUTBOX)
    cursor.execute(
        # The time now, not that of the transaction: a transaction that waited for the lock began
        # before the other worker claimed. A claim of the future was made while the server's clock
        # was ahead.
        "SELECT 1 FROM outbox WHERE kind = %s AND claimed_by <> %s"
        " AND claimed_at > clock_timestamp() - %s AND claimed_at <= clock_timestamp() LIMIT 1",
        (kind, worker, CLAIM),
    )
    if cursor.fetchone() is not None:
        return []
    cursor.execute(
        "SELECT number, dead_letter_id FROM outbox WHERE kind = %s ORDER BY number LIMIT %s",
        (kind, limit),
    )
    numbers = (
        _within(cursor, cursor.fetchall())
        if kind == "dead_letter"
        else [number for number, _ in cursor]
    )
    cursor.execute(
        "UPDATE outbox SET claimed_at = clock_timestamp(), claimed_by = %s WHERE number = ANY(%s)",
        (worker, numbers),
    )
    return _alerts(cursor, numbers) if kind == "alert" else _letters(cursor, numbers)


# No statement joins the two tables. The planner may believe that one of them is empty, as after a
# flood of messages since it was last counted. It would then read all of it for each row of the
# other.


def _within(cursor: Cursor, oldest: Sequence[tuple[int, int]]) -> list[int]:
    """As many of the oldest messages as CLAIMED_BYTES hold; the first one in any case."""
    cursor.execute(
        "SELECT dead_letter_id, coalesce(octet_length(payload), 0) FROM dead_letter WHERE"
        " dead_letter_id = ANY(%s)",
        ([dead_letter_id for _, dead_letter_id in oldest],),
    )
    sizes = dict(cursor.fetchall())
    before = accumulate((sizes.get(dead_letter_id, 0) for _, dead_letter_id in oldest), initial=0)
    return [
        number for (number, _), size in zip(oldest, before, strict=False) if size < CLAIMED_BYTES
    ]


def _alerts(cursor: Cursor, numbers: Sequence[int]) -> Sequence[OutboxMessage]:
    cursor.execute(
        "SELECT number, alert_id, message FROM outbox WHERE number = ANY(%s) ORDER BY number",
        (numbers,),
    )
    return [
        AlertMessage(number, alert_id, message.encode()) for number, alert_id, message in cursor
    ]


def _letters(cursor: Cursor, numbers: Sequence[int]) -> Sequence[OutboxMessage]:
    cursor.execute("SELECT dead_letter_id, number FROM outbox WHERE number = ANY(%s)", (numbers,))
    number_of = dict(cursor.fetchall())
    cursor.execute(
        'SELECT dead_letter_id, topic, partition, "offset", reason, detail, payload FROM'
        " dead_letter WHERE dead_letter_id = ANY(%s)",
        (list(number_of),),
    )
    letters = [
        DeadLetter(
            number_of[dead_letter_id],
            dead_letter_id,
            Partition(topic, partition),
            offset,
            reason,
            detail,
            b"" if payload is None else bytes(payload),
        )
        for dead_letter_id, topic, partition, offset, reason, detail, payload in cursor
    ]
    return sorted(letters, key=lambda letter: letter.number)


def finish(
    cursor: Cursor, kind: OutboxKind, sent: Collection[int], worker: str, now: datetime
) -> None:
    """Remove the messages that were sent.

    Other workers may take all others that this worker claimed.
    """
    cursor.execute(
        "DELETE FROM outbox WHERE number = ANY(%s) RETURNING dead_letter_id", (list(sent),)
    )
    letters = [
        dead_letter_id for (dead_letter_id,) in cursor.fetchall() if dead_letter_id is not None
    ]
    if letters:
        cursor.execute(
            "UPDATE dead_letter SET published_at = %s WHERE dead_letter_id = ANY(%s)",
            (now, letters),
        )
    cursor.execute(
        "UPDATE outbox SET claimed_at = NULL, claimed_by = NULL WHERE kind = %s AND claimed_by ="
        " %s",
        (kind, worker),
    )
