"""Reads the facts that only some signals need: how many orders there are, and the latest events."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from voc_stream.domain.churn.facts import MOST_EVENTS, ComplaintFacts, OrderFacts
from voc_stream.domain.churn.signals import MOST_VISITS
from voc_stream.events.decode import decode_stored
from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from voc_stream.domain.churn.facts import CustomerFacts
    from voc_stream.domain.churn.signals import Further
    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.session.cursor import Cursor

_VISITS = f"""
SELECT c.customer_id, (SELECT count(*) FROM (
    SELECT FROM repair_order WHERE customer_id = c.customer_id LIMIT {MOST_VISITS}
) o)
FROM unnest(%s::text[]) AS c (customer_id)
"""
# With those of the same moment as the last one, so that it is not by chance which of them count.
_EVENTS = f"""
SELECT c.customer_id, e.order_id, e.type, CASE WHEN e.type <> 'repair_step' THEN e.body::text END
FROM unnest(%s::text[]) AS c (customer_id) CROSS JOIN LATERAL (
    SELECT * FROM touchpoint_event WHERE customer_id = c.customer_id
    ORDER BY occurred_at DESC FETCH FIRST {MOST_EVENTS} ROWS WITH TIES
) e
"""
_ORDERS = """
SELECT customer_id, order_id, delivered_at, on_time, last_moment_at, memory_score,
       follow_up_due_at, followed_up_at
FROM repair_order WHERE order_id = ANY(%s) AND follow_up_due_at IS NOT NULL
"""
_ENDED = """
SELECT customer_id, complaint_id, severity, state, opened_at,
       CASE state WHEN 'closed' THEN closed_at ELSE withdrawn_at END
FROM complaint WHERE complaint_id = ANY(%s) AND state IN ('closed', 'withdrawn')
  AND resolved_at IS NULL
"""


def with_further_facts(
    cursor: Cursor,
    found: Sequence[CustomerFacts],
    alias: Mapping[str, str],
    further: Collection[Further],
) -> list[CustomerFacts]:
    """The same facts, with these further ones beside them.

    Of each customer so few rows are read that it does not matter how long the history is.
    """
    known = list(found)
    ids = [facts.customer_id for facts in known]
    if "visits" in further:
        cursor.execute(_VISITS, (ids,))
        visits: dict[str, int] = dict(cursor.fetchall())
        known = [facts._replace(visits=visits[facts.customer_id]) for facts in known]
    return _with_events(cursor, known, alias) if "events" in further else known


def _with_events(
    cursor: Cursor, found: Iterable[CustomerFacts], alias: Mapping[str, str]
) -> list[CustomerFacts]:
    by_id = {facts.customer_id: facts for facts in found}
    events: dict[str, list[AnyEvent]] = defaultdict(list)
    named_orders, named_complaints = set[tuple[str, str]](), set[tuple[str, str]]()
    cursor.execute(_EVENTS, (list(by_id),))
    for customer_id, order_id, kind, body in cursor:
        if order_id is not None and kind != "customer":
            named_orders.add((customer_id, order_id))
        if body is not None:
            event = decode_stored(body, alias)
            events[customer_id].append(event)
            if isinstance(event, Complaint):
                named_complaints.add((customer_id, event.complaint_id))
    orders, complaints = _orders(cursor, named_orders), _ended(cursor, named_complaints)
    return [
        facts._replace(
            orders=[*facts.orders, *orders[customer_id]],
            complaints=[*facts.complaints, *complaints[customer_id]],
            events=sorted(
                events[customer_id],
                key=lambda event: (event.occurred_at, event.event_id),
                reverse=True,
            ),
        )
        for customer_id, facts in by_id.items()
    ]


def _orders(
    cursor: Cursor, named: Collection[tuple[str, str]]
) -> Mapping[str, Sequence[OrderFacts]]:
    """The delivered orders among these, by the customer who named them, if they are theirs."""
    found: dict[str, list[OrderFacts]] = defaultdict(list)
    cursor.execute(_ORDERS, (sorted({order_id for _, order_id in named}),))
    for customer_id, order_id, delivered_at, on_time, last_moment_at, memory, *follow_up in cursor:
        if (customer_id, order_id) in named:
            score = None if memory is None else float(memory) * 100
            found[customer_id].append(
                OrderFacts(order_id, delivered_at, on_time, last_moment_at, score, *follow_up)
            )
    return found


def _ended(
    cursor: Cursor, named: Collection[tuple[str, str]]
) -> Mapping[str, Sequence[ComplaintFacts]]:
    """The complaints among these that ended without a resolution, in the same way."""
    found: dict[str, list[ComplaintFacts]] = defaultdict(list)
    cursor.execute(_ENDED, (sorted({complaint_id for _, complaint_id in named}),))
    for customer_id, complaint_id, severity, state, opened_at, ended_at in cursor:
        if (customer_id, complaint_id) in named:
            found[customer_id].append(
                ComplaintFacts(
                    complaint_id, severity, state, False, opened_at, None, None, ended_at
                )
            )
    return found
