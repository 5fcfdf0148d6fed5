"""Reads what the risks of leaving of some customers depend on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, OrderFacts, Score
from voc_stream.domain.churn.signals import INACTIVE
from voc_stream.domain.churn.signals.complaints import MOST_COMPLAINTS
from voc_stream.domain.entities.complaint import OPEN_STATES
from voc_stream.domain.entities.stated import value_of
from voc_stream.postgres.rolling.further_facts import with_further_facts
from voc_stream.postgres.schema.expressions.heard import HEARD_OF_COMPLAINT, HEARD_OF_ORDER
from voc_stream.postgres.schema.tables.complaint import IS_OPEN, IS_RESOLVED
from voc_stream.postgres.schema.tables.customer import CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from voc_stream.domain.churn.signals import Further
    from voc_stream.domain.entities.journey import LastMoment
    from voc_stream.postgres.session.cursor import Cursor

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
# Of each severity the complaints that are open longest, and the complaints that were resolved last.
_COMPLAINTS = f"""
SELECT c.customer_id, q.complaint_id, q.severity, q.state, q.opened_at, q.resolved_at
FROM unnest(%s::text[]) AS c (customer_id) CROSS JOIN LATERAL (
    (SELECT * FROM complaint WHERE customer_id = c.customer_id AND severity = 'major' AND {IS_OPEN}
     ORDER BY opened_at LIMIT {MOST_COMPLAINTS})
    UNION ALL
    (SELECT * FROM complaint WHERE customer_id = c.customer_id AND severity = 'minor' AND {IS_OPEN}
     ORDER BY opened_at LIMIT {MOST_COMPLAINTS})
    UNION ALL
    (SELECT * FROM complaint WHERE customer_id = c.customer_id AND {IS_RESOLVED}
     ORDER BY resolved_at DESC, complaint_id DESC LIMIT {MOST_COMPLAINTS})
) q
"""


def _heard_in(table: str, key: str, moment: str) -> str:
    """SQL of a recent act in any row of a customer; if there is none, of the latest of all.

    A recent one is looked for from the greatest key down, which mostly is the newest. So all rows
    are read only of a customer who is silent.
    """
    rows = f"FROM {table} WHERE customer_id = c.customer_id"
    return (
        f"coalesce((SELECT {moment} {rows} AND {moment} > %(since)s ORDER BY {key} DESC LIMIT 1),"
        f" (SELECT max({moment}) {rows}))"
    )


_LAST_HEARD = f"""
SELECT c.customer_id, {_heard_in("repair_order", "order_id", HEARD_OF_ORDER)},
       {_heard_in("complaint", "complaint_id", HEARD_OF_COMPLAINT)}
FROM unnest(%(ids)s::text[]) AS c (customer_id)
"""


def read_facts(
    cursor: Cursor,
    customer_ids: Sequence[str],
    as_of: datetime,
    alias: Mapping[str, str],
    further: Collection[Further],
) -> list[CustomerFacts]:
    """What the risks of these customers depend on; customers who have left are left out.

    Of the `further` facts only these are read; `alias` is what old names of experiences became. Of
    each customer at most two orders and some complaints, those that decide
    (domain/churn/signals). They are found by index: a customer may have a million.
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
        "SELECT customer_id, fold_state FROM customer WHERE customer_id = ANY(%s)",
        (ids,),
    )
    found = []
    for customer_id, encoded in cursor:
        state = CUSTOMER.decode(encoded)
        if not state.has_left:
            found.append(
                CustomerFacts(
                    customer_id,
                    state.heard_at,
                    value_of(state.annual_value),
                    _score(state.attitude),
                    _score(state.outcome),
                    orders[customer_id],
                    complaints[customer_id],
                    customer_since=value_of(state.customer_since),
                )
            )
    found = _with_last_heard(cursor, found, as_of - INACTIVE)
    return with_further_facts(cursor, found, alias, further)


def read_first_seen(cursor: Cursor, customer_ids: Sequence[str]) -> Mapping[str, datetime]:
    """When the first event of each of these customers occurred."""
    cursor.execute(
        "SELECT c.customer_id, (SELECT min(occurred_at) FROM touchpoint_event"
        " WHERE customer_id = c.customer_id) FROM unnest(%s::text[]) AS c (customer_id)",
        (list(customer_ids),),
    )
    return {customer_id: first for customer_id, first in cursor if first is not None}


def _with_last_heard(
    cursor: Cursor, found: Sequence[CustomerFacts], since: datetime
) -> list[CustomerFacts]:
    """The same with `last_heard_at`. Only who seems silent since then is looked up further."""
    known = {
        facts.customer_id: max(filter(None, _acts_at_hand(facts)), default=None) for facts in found
    }
    silent = [each for each, heard_at in known.items() if heard_at is None or heard_at <= since]
    if silent:
        cursor.execute(_LAST_HEARD, {"ids": silent, "since": since})
        for customer_id, *moments in cursor:
            known[customer_id] = max(filter(None, (known[customer_id], *moments)), default=None)
    return [facts._replace(last_heard_at=known[facts.customer_id]) for facts in found]


def _acts_at_hand(facts: CustomerFacts) -> Iterator[datetime | None]:
    """Some acts of a customer, which may not be the latest."""
    yield facts.last_heard_at
    for order in facts.orders:
        yield order.last_moment_at
    for complaint in facts.complaints:
        yield complaint.opened_at


def _score(moment: LastMoment | None) -> Score | None:
    return None if moment is None else Score(moment.at, moment.score)
