"""Keeps who is to be walked through again: those of whom events came or went, and those in time.

A batch leaves the ids of its customers. The chore moves them to `churn_walk`, where each customer
waits once, however often it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor

CUSTOMERS_MOVED_A_TIME = 20_000


def queue_walks(cursor: Cursor, customer_ids: Collection[str]) -> None:
    """Note that an event of these customers came or went."""
    if customer_ids:
        cursor.execute("INSERT INTO walk_pending VALUES (%s::text[])", (sorted(customer_ids),))


def take_pending(cursor: Cursor) -> int:
    """Let the customers of the next batches be due; returns how many batches they are of."""
    cursor.execute(
        "WITH taken AS (DELETE FROM walk_pending WHERE ctid = ANY(ARRAY(SELECT ctid FROM"
        " (SELECT ctid, sum(cardinality(customer_ids)) OVER (ORDER BY ctid)"
        " - cardinality(customer_ids) AS before FROM walk_pending) queue"
        " WHERE before < %s)) RETURNING customer_ids),"
        " due AS (INSERT INTO churn_walk AS t (customer_id, next_at, is_walked)"
        " SELECT DISTINCT each, timestamptz '-infinity', false"
        " FROM taken CROSS JOIN unnest(customer_ids) each ORDER BY each"
        " ON CONFLICT (customer_id) DO UPDATE SET next_at = excluded.next_at"
        " WHERE t.next_at IS DISTINCT FROM excluded.next_at)"
        " SELECT count(*) FROM taken",
        (CUSTOMERS_MOVED_A_TIME,),
    )
    (batches,) = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    return int(batches)


def due(cursor: Cursor, now: datetime, limit: int, but: Sequence[str] = ()) -> list[str]:
    """Customers whose history goes on by now, without those in `but`."""
    cursor.execute(
        "SELECT customer_id FROM churn_walk WHERE next_at <= %s"
        " AND customer_id <> ALL(%s::text[]) ORDER BY next_at, customer_id LIMIT %s",
        (now, list(but), limit),
    )
    return [customer_id for (customer_id,) in cursor]


def waiting(cursor: Cursor, before: datetime) -> tuple[int, int]:
    """How many histories are not known until then, and how many customers there are."""
    cursor.execute(
        "SELECT (SELECT coalesce(sum(cardinality(customer_ids)), 0) FROM walk_pending)"
        " + count(*) FILTER (WHERE next_at < %s), count(*) FROM churn_walk",
        (before,),
    )
    missing, everybody = cursor.fetchone()  # type: ignore[misc]  # an aggregate gives one row
    return int(missing), int(everybody)


def all_are_due(cursor: Cursor) -> None:
    """Let everybody be walked through again, because another model decides risks."""
    cursor.execute("UPDATE churn_walk SET next_at = '-infinity'")
