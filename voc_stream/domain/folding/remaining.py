"""Computes what is left of rows once events are taken out: states folded from the other events.

Stated latest, earliest and furthest cannot be subtracted, sums can. So a touched row is folded anew
from all its other events, and what it adds to the aggregates is the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.folding.keys import Keys, keys_of
from voc_stream.domain.moment import moment_of
from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from voc_stream.catalogue.model import ChurnModel
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.events.types import AnyEvent


def resting_rows(
    events: Iterable[AnyEvent],
    customers: Mapping[str, CustomerState],
    orders: Mapping[str, OrderState],
    complaints: Mapping[str, ComplaintState],
) -> Keys:
    """The rows that may say something that only these events said. All must be there."""
    their_customers, their_orders, their_complaints = set[str](), set[str](), set[str]()
    for event in events:
        at, keys = moment_of(event), keys_of([event])
        if customers[event.customer_id].rests_on(event, at):
            their_customers.add(event.customer_id)
        their_orders.update(key for key in keys.orders if orders[key].rests_on(event, at))
        if isinstance(event, Complaint) and complaints[event.complaint_id].rests_on(event, at):
            their_complaints.add(event.complaint_id)
    return Keys(their_customers, their_orders, their_complaints)


class Remaining:
    """The states of touched rows. A row without any event is not there.

    Attributes:
        keys: the rows that are folded anew.
        customers, orders, complaints: what is left, by key.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.customers: dict[str, CustomerState] = {}
        self.orders: dict[str, OrderState] = {}
        self.complaints: dict[str, ComplaintState] = {}

    def add_to_customer(self, event: AnyEvent, at: datetime, model: ChurnModel) -> None:
        """Take in one event that is left of its customer."""
        state = self.customers.get(event.customer_id)
        if state is None:
            state = self.customers[event.customer_id] = CustomerState(event.customer_id)
        state.apply(event, at, model)

    def add_to_order(self, event: AnyEvent, at: datetime, rules: MeasureRules) -> None:
        """Take in one event that is left of its order."""
        if event.order_id is None or not event.concerns_order:
            return
        state = self.orders.get(event.order_id)
        if state is None:
            state = self.orders[event.order_id] = OrderState(event.order_id)
        state.apply(event, at, rules)

    def add_to_complaint(self, event: AnyEvent, at: datetime) -> None:
        """Take in one event that is left of its complaint."""
        if not isinstance(event, Complaint):
            return
        state = self.complaints.get(event.complaint_id)
        if state is None:
            state = self.complaints[event.complaint_id] = ComplaintState(event.complaint_id)
        state.apply(event, at)

    def gone_customers(self) -> Collection[str]:
        """The customers of whom nothing is left."""
        return self.keys.customers - self.customers.keys()

    def gone_orders(self) -> Collection[str]:
        """The orders of which nothing is left."""
        return self.keys.orders - self.orders.keys()

    def gone_complaints(self) -> Collection[str]:
        """The complaints of which nothing is left."""
        return self.keys.complaints - self.complaints.keys()
