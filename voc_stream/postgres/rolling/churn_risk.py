"""Writes what the domain makes of the risks of leaving, and keeps the queue of who changed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from voc_stream.domain.churn.hazard import ChurnRisk, assess_since
from voc_stream.pipeline.clocks import LARGEST_SKEW
from voc_stream.postgres.churn_model.active import active_risk_model
from voc_stream.postgres.rolling.risk_facts import read_facts, read_first_seen
from voc_stream.postgres.session.connection import apart
from voc_stream.postgres.session.copy_csv import array, lines
from voc_stream.postgres.session.locks import Lock, try_lock
from voc_stream.postgres.session.staging import stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

CUSTOMER_PARTS = 8
QUEUED_TOGETHER = 1_000
COLUMNS = (
    "customer_id",
    "risk",
    "band",
    "drivers",
    "value_at_risk",
    "model_version",
    "as_of",
    "next_change_at",
)
# `next_change_at` is the only indexed column. Keep the old value when it is earlier, so that the
# update is HOT; looking too early is harmless.
_LOOKED_AT_IN_TIME = (
    "(t.next_change_at > {0}.as_of AND ({0}.next_change_at >= t.next_change_at"
    " OR {0}.next_change_at IS NULL))"
)
_CHANGES = ", ".join(
    f"next_change_at = CASE WHEN {_LOOKED_AT_IN_TIME.format('excluded')}"
    " THEN t.next_change_at ELSE excluded.next_change_at END"
    if name == "next_change_at"
    else f"{name} = excluded.{name}"
    for name in COLUMNS[1:]
)
_SAID = ("risk", "band", "drivers", "value_at_risk", "model_version")
# Often an assessment finds what was known. Then the row is neither written nor locked, because a
# lock is written to the log, too. A subquery, because it is never planned as a join that would read
# the whole table.
_HOLDS = (
    f"(SELECT ({', '.join(f't.{name}' for name in _SAID)})"
    f" IS NOT DISTINCT FROM ({', '.join(f's.{name}' for name in _SAID)})"
    " AND t.as_of <= s.as_of AND (coalesce(t.next_change_at, s.next_change_at) IS NULL"
    f" OR {_LOOKED_AT_IN_TIME.format('s')})"
    " FROM churn_risk t WHERE t.customer_id = s.customer_id)"
)


def lock_assessment(cursor: Cursor) -> bool:
    """Whether this transaction may assess risks; one transaction does at a time."""
    return try_lock(cursor, Lock.ASSESSMENT)


def pending_rows(customer_ids: Iterable[str]) -> list[tuple[Value, ...]]:
    """Rows of churn_pending, one for each part of the customers.

    So a part can wait until its turn, and be taken as a whole.
    """
    parts: list[list[str]] = [[] for _ in range(CUSTOMER_PARTS)]
    for customer_id in sorted(customer_ids):
        parts[crc32(customer_id.encode()) % CUSTOMER_PARTS].append(customer_id)
    return [(part, array(ids)) for part, ids in enumerate(parts) if ids]


def pending(cursor: Cursor) -> int:
    """How many customers wait; a customer that waits more than once counts each time."""
    cursor.execute("SELECT coalesce(sum(cardinality(customer_ids)), 0) FROM churn_pending")
    return int(cursor.fetchone()[0])  # type: ignore[index]  # an aggregate gives one row


def take_changed(cursor: Cursor, limit: int, part: int | None = None) -> list[str]:
    """Take about `limit` customers out of the queue, or all of them.

    These are customers whose rows, orders or complaints changed: of one part, or of any.
    """
    cursor.execute(
        "DELETE FROM churn_pending WHERE ctid = ANY(ARRAY(SELECT ctid FROM"
        " (SELECT ctid, sum(cardinality(customer_ids)) OVER"
        " (ORDER BY ctid) - cardinality(customer_ids) AS before FROM churn_pending"
        "  WHERE %s IS NULL OR part = %s) queue"
        " WHERE before < %s)) RETURNING customer_ids",
        (part, part, limit),
    )
    return sorted({customer_id for (customer_ids,) in cursor for customer_id in customer_ids})


def due(cursor: Cursor, now: datetime, limit: int, but: Sequence[str] = ()) -> list[str]:
    """Customers whose risk has changed because time passed, without those in `but`."""
    cursor.execute(
        "SELECT customer_id FROM churn_risk WHERE next_change_at <= %s"
        " AND customer_id <> ALL(%s::text[]) ORDER BY next_change_at LIMIT %s",
        (now, list(but), limit),
    )
    return sorted(customer_id for (customer_id,) in cursor)


def take_up_future(cursor: Cursor, now: datetime) -> int:
    """Queue the customers whose risk was assessed as of a time ahead of `now`.

    Returns how many they are.
    """
    cursor.execute("SELECT customer_id FROM churn_risk WHERE as_of > %s", (now + LARGEST_SKEW,))
    customer_ids = [customer_id for (customer_id,) in cursor]
    put_back(cursor, customer_ids)
    return len(customer_ids)


def put_back(cursor: Cursor, customer_ids: Iterable[str]) -> None:
    """Let these customers wait in the queue, behind the others."""
    for part, ids in pending_rows(customer_ids):
        cursor.execute(
            "INSERT INTO churn_pending (part, customer_ids) VALUES (%s, %s::text[])", (part, ids)
        )


def queue_everyone(cursor: Cursor) -> int:
    """Queue all customers, a thousand in a row of the queue; returns how many they are."""
    cursor.execute(
        "WITH queued AS (INSERT INTO churn_pending (part, customer_ids)"
        f" SELECT piece % {CUSTOMER_PARTS}, array_agg(customer_id ORDER BY customer_id)"
        f" FROM (SELECT customer_id, (row_number() OVER ()) / {QUEUED_TOGETHER} AS piece"
        " FROM customer) each GROUP BY piece RETURNING cardinality(customer_ids) AS customers)"
        " SELECT coalesce(sum(customers), 0) FROM queued"
    )
    return int(cursor.fetchone()[0])  # type: ignore[index]  # an aggregate gives one row


def reassess_apart(
    cursor: Cursor, customer_ids: Sequence[str], catalogue: Catalogue, now: datetime
) -> int:
    """Do what `reassess` does; if it fails, the transaction stays as it was.

    Raises StoreUnavailableError if the server is to blame.
    """
    with apart(cursor):
        reassess(cursor, customer_ids, catalogue, now)
    return len(customer_ids)


def reassess(
    cursor: Cursor, customer_ids: Sequence[str], catalogue: Catalogue, now: datetime
) -> None:
    """Bring the risks of these customers to `now`; a customer who has left has no row.

    A row that already says the same stays as it is, with the `as_of` since when it says so.
    """
    assess_as_of(cursor, dict.fromkeys(customer_ids, now), catalogue)


def assess_as_of(cursor: Cursor, moments: Mapping[str, datetime], catalogue: Catalogue) -> None:
    """Do what `reassess` does, each customer as of a moment of its own."""
    if not moments:
        return
    model = active_risk_model(cursor, catalogue)
    found = read_facts(cursor, list(moments), max(moments.values()), catalogue.alias, model.further)
    left = set(moments).difference(facts.customer_id for facts in found)
    if left:
        cursor.execute("DELETE FROM churn_risk WHERE customer_id = ANY(%s)", (sorted(left),))
    # A catalogue has one base hazard, whatever the tenure.
    seen = read_first_seen(cursor, list(moments)) if len(model.bases) > 1 else {}
    rows = (
        _row(assess_since(facts, model, moments[facts.customer_id], seen.get(facts.customer_id)))
        for facts in found
    )
    stage(cursor, "churn_risk", COLUMNS, lines(rows))
    names = ", ".join(COLUMNS)
    cursor.execute(
        f"INSERT INTO churn_risk AS t ({names}) SELECT {names} FROM staged_churn_risk s"
        f" WHERE {_HOLDS} IS NOT TRUE ORDER BY customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET {_CHANGES}; TRUNCATE staged_churn_risk"
    )


def _row(risk: ChurnRisk) -> tuple[Value, ...]:
    drivers = [
        {"driver": driver.driver, "contribution": driver.contribution} for driver in risk.drivers
    ]
    return (
        risk.customer_id,
        risk.risk,
        risk.band,
        msgspec.json.encode(drivers).decode(),
        risk.value_at_risk,
        risk.model_version,
        risk.as_of,
        risk.next_change_at,
    )
