"""Says what the risk of a customer depends on, from the states of all that is the customer's.

Tables say the same of now (`postgres/rolling/risk_facts.py`). This says it of any moment, once all
events until then have been folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.facts import (
    MOST_EVENTS,
    ComplaintFacts,
    CustomerFacts,
    OrderFacts,
    Score,
)
from voc_stream.domain.churn.signals.complaints import (
    ENDED_STATES,
    MOST_COMPLAINTS,
    RESOLVED_STATES,
)
from voc_stream.domain.churn.signals.visits import MOST_VISITS
from voc_stream.domain.entities.stated import value_of
from voc_stream.events.types import Complaint, RepairStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from voc_stream.domain.entities.complaint import ComplaintState
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.journey import LastMoment
    from voc_stream.domain.entities.order import OrderState
    from voc_stream.events.types import AnyEvent


def facts_of(
    customer: CustomerState,
    orders: Sequence[OrderState],
    complaints: Sequence[ComplaintState],
    latest: Sequence[AnyEvent],
) -> CustomerFacts:
    """What the risk depends on; `orders` and `complaints` are those of this customer.

    `latest`: the latest events of the customer (`latest_events`), the latest first.
    """
    named_orders = {one.order_id for one in latest if one.concerns_order}
    named_complaints = {one.complaint_id for one in latest if isinstance(one, Complaint)}
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
        [_order(order, is_named=order.order_id in named_orders) for order in orders],
        [
            *_that_count([_complaint(complaint) for complaint in complaints]),
            *_unresolved(one for one in complaints if one.complaint_id in named_complaints),
        ],
        customer_since=value_of(customer.customer_since),
        visits=min(len(orders), MOST_VISITS),
        events=[one for one in latest if not isinstance(one, RepairStep)],
    )


def latest_events(events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
    """The latest of these events, which are in their order in time; the latest come first.

    With those of the same moment as the last one of them.
    """
    first = max(0, len(events) - MOST_EVENTS)
    while first and events[first - 1].occurred_at == events[first].occurred_at:
        first -= 1
    return events[: first - 1 if first else None : -1]


def _acts_about_order(order: OrderState) -> Iterator[datetime | None]:
    last, step, contact = order.moments.last, order.step, order.contact
    yield None if last is None else last.at
    yield None if step is None else step.at
    yield None if contact is None else contact.last


def _acts_about_complaint(complaint: ComplaintState) -> Iterator[datetime | None]:
    yield complaint.opened_at
    yield complaint.reopened_at
    yield complaint.time_of("withdrawn")


def _order(order: OrderState, *, is_named: bool) -> OrderFacts:
    last = order.moments.last
    return OrderFacts(
        order.order_id,
        order.delivered_at,
        order.on_time,
        None if last is None else last.at,
        order.moments.memory,
        order.follow_up_due_at if is_named else None,
        order.followed_up_at if is_named else None,
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


def _unresolved(complaints: Iterable[ComplaintState]) -> Iterator[ComplaintFacts]:
    """Those that ended without a resolution."""
    for complaint in complaints:
        state = complaint.state
        if state in ENDED_STATES and complaint.time_of("resolved") is None:
            yield _complaint(complaint)._replace(ended_at=complaint.time_of(state))


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
