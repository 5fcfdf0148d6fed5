"""Reads what the risk of leaving depends on, and writes what the domain makes of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, OrderFacts, Score
from voc_stream.domain.churn.hazard import ChurnRisk, assess
from voc_stream.domain.entities.complaint import OPEN_STATES
from voc_stream.domain.entities.stated import value_of
from voc_stream.pipeline.clocks import LARGEST_SKEW
from voc_stream.pipeline.ports import StoreUnavailableError
from voc_stream.postgres.schema.tables.complaint import IS_OPEN, IS_RESOLVED
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.session.connection import translated
from voc_stream.postgres.session.copy_csv import array
from voc_stream.postgres.session.locks import Lock, try_lock
from voc_stream.postgres.session.staging import copy_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import ChurnModel
    from voc_stream.domain.entities.journey import LastMoment
    from voc_stream.postgres.session.copy_csv import Value
    from voc_stream.postgres.session.cursor import Cursor

CUSTOMER_PARTS = 8
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
_CHANGES = ", ".join(
    "next_change_at = CASE WHEN t.next_change_at > excluded.as_of"
    " AND t.next_change_at <= excluded.next_change_at"
    " THEN t.next_change_at ELSE excluded.next_change_at END"
    if name == "next_change_at"
    else f"{name} = excluded.{name}"
    for name in COLUMNS[1:]
)

# The order with the latest broken promise, and the order of the latest scored moment.
_ORDERS = """
SELECT c.customer_id, o.order_id, o.delivered_at, o.on_time, o.last_moment_at, o.memory_score
FROM unnest(%s::text[]) AS c (customer_id) CROSS JOIN LATERAL (
    (SELECT * FROM repair_order WHERE customer_id = c.customer_id AND on_time = false
     ORDER BY delivered_at DESC LIMIT 1)
    UNION ALL
    (SELECT * FROM repair_order WHERE customer_id = c.customer_id AND last_moment_at IS NOT NULL
     ORDER BY last_moment_at DESC, order_id DESC LIMIT 1)
) o
"""
# Of each severity the complaint that is open longest, and the complaint that was resolved last.
_COMPLAINTS = f"""
SELECT c.customer_id, q.complaint_id, q.severity, q.state, q.opened_at, q.resolved_at
FROM unnest(%s::text[]) AS c (customer_id) CROSS JOIN LATERAL (
    (SELECT * FROM complaint WHERE customer_id = c.customer_id AND severity = 'major' AND {IS_OPEN}
     ORDER BY opened_at LIMIT 1)
    UNION ALL
    (SELECT * FROM complaint WHERE customer_id = c.customer_id AND severity = 'minor' AND {IS_OPEN}
     ORDER BY opened_at LIMIT 1)
    UNION ALL
    (SELECT * FROM complaint WHERE customer_id = c.customer_id AND {IS_RESOLVED}
     ORDER BY resolved_at DESC, complaint_id DESC LIMIT 1)
) q
"""


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


def reassess_apart(
    cursor: Cursor, customer_ids: Sequence[str], model: ChurnModel, now: datetime
) -> int:
    """Do what `reassess` does; if it fails, the transaction stays as it was.

    Raises StoreUnavailableError if the server is to blame.
    """
    # A constraint that is checked only at COMMIT would not tell whose row it refuses.
    cursor.execute("SAVEPOINT apart; SET CONSTRAINTS ALL IMMEDIATE")
    try:
        with translated():
            reassess(cursor, customer_ids, model, now)
    except StoreUnavailableError:
        raise  # all of the transaction is lost
    except Exception:
        cursor.execute("ROLLBACK TO SAVEPOINT apart; RELEASE SAVEPOINT apart")
        raise
    cursor.execute("RELEASE SAVEPOINT apart")
    return len(customer_ids)


def reassess(cursor: Cursor, customer_ids: Sequence[str], model: ChurnModel, now: datetime) -> None:
    """Write the risks of these customers as of `now`; a customer who has left has no row."""
    if not customer_ids:
        return
    found = read_facts(cursor, customer_ids)
    left = set(customer_ids).difference(facts.customer_id for facts in found)
    if left:
        cursor.execute("DELETE FROM churn_risk WHERE customer_id = ANY(%s)", (sorted(left),))
    copy_rows(
        cursor, "staged_churn_risk", COLUMNS, [_row(assess(facts, model, now)) for facts in found]
    )
    names = ", ".join(COLUMNS)
    cursor.execute(
        f"INSERT INTO churn_risk AS t ({names}) SELECT {names} FROM staged_churn_risk"
        " ORDER BY customer_id"
        f" ON CONFLICT (customer_id) DO UPDATE SET {_CHANGES}; TRUNCATE staged_churn_risk"
    )


def read_facts(cursor: Cursor, customer_ids: Sequence[str]) -> list[CustomerFacts]:
    """What the risks of these customers depend on; customers who have left are left out.

    Of each customer at most two orders and three complaints, those that decide
    (domain/churn/hazard.py). They are found by index: a customer may have a million.
    """
    ids = list(customer_ids)
    orders: dict[str, list[OrderFacts]] = defaultdict(list)
    cursor.execute(_ORDERS, (ids,))
    for customer_id, order_id, delivered_at, on_time, last_moment_at, memory in cursor:
        orders[customer_id].append(
            OrderFacts(
                order_id,
                delivered_at,
                on_time,
                last_moment_at,
                None if memory is None else float(memory) * 100,
            )
        )
    complaints: dict[str, list[ComplaintFacts]] = defaultdict(list)
    cursor.execute(_COMPLAINTS, (ids,))
    for customer_id, complaint_id, severity, state, opened_at, resolved_at in cursor:
        took = (
            None
            if opened_at is None or resolved_at is None or resolved_at < opened_at
            else resolved_at - opened_at
        )
        is_open = state in OPEN_STATES
        complaints[customer_id].append(
            ComplaintFacts(complaint_id, severity, state, is_open, opened_at, resolved_at, took)
        )
    cursor.execute(
        f"SELECT customer_id, {CUSTOMER.state_sql} FROM customer WHERE customer_id = ANY(%s)",
        (ids,),
    )
    found = []
    for customer_id, encoded in cursor:
        state = CUSTOMER.decode(encoded)
        if state.last_seen_at is not None and not state.has_left:
            found.append(
                CustomerFacts(
                    customer_id,
                    state.last_seen_at,
                    value_of(state.annual_value),
                    _score(state.attitude),
                    _score(state.outcome),
                    orders[customer_id],
                    complaints[customer_id],
                )
            )
    return found


def _score(moment: LastMoment | None) -> Score | None:
    return None if moment is None else Score(moment.at, moment.score)


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
