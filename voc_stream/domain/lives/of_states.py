"""Says what the risk of a customer depends on, from the states of all that is the customer's.

Tables say the same of now (`postgres/rolling/risk_facts.py`). This says it of any moment, once all
events until then have been folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, OrderFacts, Score
from voc_stream.domain.churn.signals.complaints import MOST_COMPLAINTS, RESOLVED_STATES
from voc_stream.domain.entities.stated import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from voc_stream.domain.entities.complaint import ComplaintState
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.journey import LastMoment
    from voc_stream.domain.entities.order import OrderState


def facts_of(
    customer: CustomerState, orders: Sequence[OrderState], complaints: Sequence[ComplaintState]
) -> CustomerFacts:
    """What the risk depends on; `orders` and `complaints` are those of this customer."""
    acts = (
        customer.heard_at,
        *(moment for order in orders for moment in _acts_about_order(order)),
        *(moment for complaint in complaints for moment in _acts_about_complaint(complaint)),
    )
    return CustomerFacts(
        customer.customer_id,
        max(filter(None, acts), default=None),
        value_of(customer.annual_value),
        _score(customer.attitude),
        _score(customer.outcome),
        [_order(order) for order in orders],
        _that_count([_complaint(complaint) for complaint in complaints]),
    )


def _acts_about_order(order: OrderState) -> Iterator[datetime | None]:
    last, step, contact = order.moments.last, order.step, order.contact
    yield None if last is None else last.at
    yield None if step is None else step.at
    yield None if contact is None else contact.last


def _acts_about_complaint(complaint: ComplaintState) -> Iterator[datetime | None]:
    yield complaint.opened_at
    yield complaint.reopened_at
    yield complaint.time_of("withdrawn")


def _order(order: OrderState) -> OrderFacts:
    last = order.moments.last
    return OrderFacts(
        order.order_id,
        order.delivered_at,
        order.on_time,
        None if last is None else last.at,
        order.moments.memory,
    )


def _complaint(complaint: ComplaintState) -> ComplaintFacts:
    return ComplaintFacts(
        complaint.complaint_id,
        complaint.stated_severity or "",
        complaint.state or "",
        complaint.is_open,
        complaint.opened_at,
        complaint.time_of("resolved"),
        complaint.time_to_resolve,
    )


def _that_count(complaints: Sequence[ComplaintFacts]) -> Sequence[ComplaintFacts]:
    """Of each severity those that are open longest, and those that were resolved last."""
    found = []
    for severity in ("major", "minor"):
        are_open = [one for one in complaints if one.is_open and one.severity == severity]
        found += sorted(are_open, key=_opened)[:MOST_COMPLAINTS]
    return found + _resolved_last(complaints)


def _resolved_last(complaints: Iterable[ComplaintFacts]) -> list[ComplaintFacts]:
    resolved = sorted(
        (one.resolved_at, one.complaint_id, one)
        for one in complaints
        if one.state in RESOLVED_STATES and one.resolved_at is not None
    )
    return [one for *_, one in resolved[-MOST_COMPLAINTS:]]


def _opened(one: ComplaintFacts) -> tuple[bool, datetime | None]:
    # PostgreSQL sorts what is unknown last.
    return one.opened_at is None, one.opened_at


def _score(moment: LastMoment | None) -> Score | None:
    return None if moment is None else Score(moment.at, moment.score)
