"""How a batch of unseen events changes the states, and what it adds to the aggregates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.complaint import ComplaintState
from voc_stream.domain.contribution import Contribution, Profile, contribution_of, moved
from voc_stream.domain.customer import CustomerState
from voc_stream.domain.order import NOTHING_COUNTED, Counted, OrderState, difference
from voc_stream.domain.stated import value_of
from voc_stream.events.types import Complaint, Customer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from voc_stream.catalogue import Catalogue
    from voc_stream.events.types import AnyEvent


class Keys(NamedTuple):
    """The rows that events touch."""

    customers: set[str]
    orders: set[str]
    complaints: set[str]


def keys_of(events: Iterable[AnyEvent]) -> Keys:
    """The rows that must be at hand before events can be folded."""
    keys = Keys(set(), set(), set())
    for event in events:
        keys.customers.add(event.customer_id)
        if event.order_id is not None and not isinstance(event, Customer):
            keys.orders.add(event.order_id)
        if isinstance(event, Complaint):
            keys.complaints.add(event.complaint_id)
    return keys


class Fold:
    """One batch on its way from events to rows: load, `apply`, load what that asks for, `contributions`.

    The states are changed in place; whoever lent them must forget them when the batch fails.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known = frozenset(catalogue.experience)
        self._profiles: dict[str, Profile] = {}
        self._before: dict[str, Counted] = {}
        self._earlier_owners: set[str] = set()
        self.customers: dict[str, CustomerState] = {}
        self.orders: dict[str, OrderState] = {}
        self.complaints: dict[str, ComplaintState] = {}

    def add_customers(self, states: Mapping[str, CustomerState]) -> None:
        """Lend the stored states of customers."""
        self.customers.update(states)
        self._profiles.update((customer_id, state.profile) for customer_id, state in states.items())

    def add_orders(self, states: Mapping[str, OrderState]) -> None:
        """Lend the stored states of orders, before anything is applied to them."""
        self.orders.update(states)
        self._before.update((order_id, state.counted(self._known)) for order_id, state in states.items())
        self._earlier_owners.update(owner for state in states.values() if (owner := value_of(state.customer_id)) is not None)

    def add_complaints(self, states: Mapping[str, ComplaintState]) -> None:
        """Lend the stored states of complaints, before anything is applied to them."""
        self.complaints.update(states)
        self._earlier_owners.update(owner for state in states.values() if (owner := value_of(state.customer_id)) is not None)

    def apply(self, events: Iterable[AnyEvent]) -> None:
        """Let the events change the states; rows that were not lent are new."""
        model = self._catalogue.churn
        for event in events:
            at = moment_of(event)
            customer = self.customers.get(event.customer_id)
            if customer is None:
                customer = self.customers[event.customer_id] = CustomerState(event.customer_id)
            customer.apply(event, at, model)
            if isinstance(event, Customer):
                continue
            if event.order_id is not None:
                order = self.orders.get(event.order_id)
                if order is None:
                    order = self.orders[event.order_id] = OrderState(event.order_id)
                order.apply(event, at)
            if isinstance(event, Complaint):
                complaint = self.complaints.get(event.complaint_id)
                if complaint is None:
                    complaint = self.complaints[event.complaint_id] = ComplaintState(event.complaint_id)
                complaint.apply(event, at)

    def moved_customers(self) -> list[str]:
        """The stored customers whose dimensions changed, so that what they said earlier has to be counted elsewhere."""
        return [customer_id for customer_id, profile in self._profiles.items() if self.customers[customer_id].profile != profile]

    def missing_customers(self) -> set[str]:
        """The owners of orders at hand whose rows are not: their dimensions are needed."""
        owners = {value_of(order.customer_id) for order in self.orders.values()}
        return {owner for owner in owners if owner is not None and owner not in self.customers}

    def affected_customers(self) -> set[str]:
        """Whose risk may have changed: the customers at hand, and those to whom an order or a complaint at hand belonged before."""
        return {*self.customers, *self._earlier_owners}

    def contributions(self, events: Sequence[AnyEvent], history: Iterable[AnyEvent]) -> list[Contribution]:
        """What the batch adds to the aggregates and takes back.

        `history` holds the earlier accepted events of the moved customers; their orders and all orders' owners must be at hand.
        """
        found = [
            contribution
            for event in events
            if (contribution := contribution_of(event, moment_of(event), self.customers[event.customer_id].profile)) is not None
        ]
        for event in history:
            before, after = self._profiles[event.customer_id], self.customers[event.customer_id].profile
            earlier = contribution_of(event, moment_of(event), before)
            if earlier is not None:
                found += moved([earlier], before, after)
        for order_id, order in self.orders.items():
            owner = value_of(order.customer_id)
            if owner is not None:
                order.attribute(self.customers[owner].profile)
            found += difference(self._before.get(order_id, NOTHING_COUNTED), order.counted(self._known))
        return found


def moment_of(event: AnyEvent) -> datetime:
    """When an event occurred, in UTC."""
    return event.occurred_at.astimezone(UTC)
