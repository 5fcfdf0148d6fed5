"""Folds a batch of unseen events: how it changes the states, and what it adds to the aggregates."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.churn.signals import INACTIVE
from voc_stream.domain.contribution import Profile, contribution_of
from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.counted import moves_dimensions
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.folding.customer_moments import MomentChanges, NotedMoments
from voc_stream.domain.folding.fold_rules import FoldRules, fold_rules
from voc_stream.domain.folding.measured_complaints import MeasuredComplaints
from voc_stream.domain.folding.measured_orders import MeasuredOrders
from voc_stream.domain.folding.remaining import resting_rows
from voc_stream.domain.folding.unread import Unread
from voc_stream.domain.measures.of_event import measures_of
from voc_stream.domain.moment import moment_of
from voc_stream.events.types import Complaint, Customer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.folding.keys import Keys
    from voc_stream.domain.folding.remaining import Remaining
    from voc_stream.events.types import AnyEvent


class Fold:
    """One batch on its way from events to rows.

    The steps are: lend the stored states, `apply` (or `take_out`), read what is `unread` and
    `recall` it, `count_waits`, `begin_moves`, lend the `missing_customers`, `attribute_rows`,
    `moment_changes`, `contributions`. The states are changed in place; whoever lent them must
    forget them when the batch fails.
    """

    def __init__(self, catalogue: Catalogue, now: datetime, rules: FoldRules | None = None) -> None:
        """Begin a batch; `rules` are those of the catalogue, if they were worked out before."""
        rules = rules or fold_rules(catalogue)
        self._model = catalogue.churn
        # Who acted after this moment cannot have been assessed as inactive yet; a day allows for
        # clocks that differ.
        self._surely_active_since = now - INACTIVE + timedelta(days=1)
        self._rules, self._declared = rules.measures, rules.of_events
        self._risk_reads_events = rules.risk_reads_events
        self._noted = NotedMoments(rules.within, self._rules)
        # As they were before this batch, of customers with a history who said something about
        # themselves.
        self._profiles: dict[str, Profile] = {}
        self._taken_back: list[Contribution] = []
        self._measured_orders = MeasuredOrders(self._rules)
        self._measured_complaints = MeasuredComplaints(self._rules)
        self._affected: set[str] = set()
        self._new_customers: set[str] = set()
        self._changed_customers: set[str] = set()
        self.customers: dict[str, CustomerState] = {}
        self.orders: dict[str, OrderState] = {}
        self.complaints: dict[str, ComplaintState] = {}
        self.complaints_to_read: set[str] = set()

    def add_customers(self, states: Mapping[str, CustomerState]) -> None:
        """Lend the stored states of customers."""
        self.customers.update(states)

    def add_orders(self, states: Mapping[str, OrderState]) -> None:
        """Lend the stored states of orders, before anything is applied to them."""
        self.orders.update(states)

    def add_complaints(self, states: Mapping[str, ComplaintState]) -> None:
        """Lend the stored states of complaints, before anything is applied to them."""
        self.complaints.update(states)

    def apply(self, events: Iterable[AnyEvent]) -> None:
        """Let the events change the states; rows that were not lent are new."""
        for event in events:
            at = moment_of(event)
            self._apply_to_customer(event, at)
            if event.order_id is not None and event.concerns_order:
                self._apply_to_order(event.order_id, event, at)
            if isinstance(event, Complaint):
                self._apply_to_complaint(event, at)

    def _apply_to_customer(self, event: AnyEvent, at: datetime) -> None:
        customer_id = event.customer_id
        customer = self.customers.get(customer_id)
        if customer is None:
            customer = self.customers[customer_id] = CustomerState(customer_id)
            self._new_customers.add(customer_id)
            self._affected.add(customer_id)
        if event.always_affects_risk or self._risk_reads_events:
            self._affected.add(customer_id)
        if isinstance(event, Customer) and customer_id not in self._new_customers:
            self._profiles.setdefault(customer_id, customer.profile)
        if customer.apply(event, at, self._model):
            self._changed_customers.add(customer_id)

    def _apply_to_order(self, order_id: str, event: AnyEvent, at: datetime) -> None:
        order = self.orders.get(order_id)
        if order is None:
            # Nearly always the profile is the same at the end, and nothing has to be counted anew.
            profile = self.customers[event.customer_id].profile
            order = self.orders[order_id] = OrderState(order_id, profile=profile)
        moves = moves_dimensions(order, event)
        if self._noted.of_orders:
            self._noted.before_event(order, event, moves=moves)
        owner, step, contact = value_of(order.customer_id), order.step, order.contact
        # An act of the customer about this order, though it may not be the latest.
        acted_at = step.at if step else contact.last if contact else None
        self._measured_orders.apply(order, event, at, moves=moves)
        if (
            owner != event.customer_id
            or order.delivered is not None
            or event.always_affects_risk
            or acted_at is None
            or acted_at < self._surely_active_since
        ):
            self._affected.update(filter(None, (owner, value_of(order.customer_id))))

    def _apply_to_complaint(self, event: Complaint, at: datetime) -> None:
        complaint = self.complaints.get(event.complaint_id)
        if complaint is None:
            complaint = self.complaints[event.complaint_id] = ComplaintState(event.complaint_id)
        self._measured_complaints.note(complaint)
        owner = value_of(complaint.customer_id)
        self._noted.note_complaint(complaint)
        if complaint.apply(event, at):
            self.complaints_to_read.add(event.complaint_id)
        self._affected.update(filter(None, (owner, value_of(complaint.customer_id))))

    def to_fold_anew(self, events: Iterable[AnyEvent], silent: Collection[str]) -> Keys:
        """The rows that must be folded anew once these events are gone.

        Among them are the `silent` customers, of whom no other event is left.

        They say something that only these events may have said. Most events say nothing that their
        row still says, and a row may have a million events. So few rows are folded anew. All rows
        must have been lent.
        """
        rows = resting_rows(events, self.customers, self.orders, self.complaints)
        return rows._replace(customers=rows.customers | set(silent))

    def take_out(self, events: Iterable[AnyEvent], remaining: Remaining) -> None:
        """Replace the states that these events touched by what remains without them.

        The touched rows must have been lent.
        """
        for event in events:
            self._affected.add(event.customer_id)
            if measures := measures_of(event, self._declared):
                profile = self.customers[event.customer_id].profile_of(event.event_id)
                counted = contribution_of(event, moment_of(event), profile, measures)
                self._taken_back.append(counted._replace(weight=-1))
        for order_id in remaining.keys.orders:
            self._put_order(self.orders.pop(order_id), remaining.orders.get(order_id))
        for complaint_id in remaining.keys.complaints:
            earlier = self.complaints.pop(complaint_id)
            self._measured_complaints.note(earlier)
            if earlier.has_text:
                self.complaints_to_read.add(complaint_id)
            owners = [earlier.customer_id]
            self._noted.note_complaint(earlier)
            if complaint_id in remaining.complaints:
                self.complaints[complaint_id] = remaining.complaints[complaint_id]
                owners.append(self.complaints[complaint_id].customer_id)
            self._affected.update(owner.value for owner in owners if owner is not None)
        for customer_id in remaining.keys.customers:
            before, after = self.customers.pop(customer_id), remaining.customers.get(customer_id)
            if after is not None:
                after.move = before.move
                self._profiles[customer_id] = before.profile
                self.customers[customer_id] = after
                self._changed_customers.add(customer_id)

    def _put_order(self, before: OrderState, after: OrderState | None) -> None:
        owners = [before.customer_id]
        self._noted.note_order(before)
        # It keeps the profile under which it was counted. `contributions` moves it if the profile
        # of its owner has changed.
        self._measured_orders.replace(before, after)
        if after is not None:
            self.orders[after.order_id] = after
            owners.append(after.customer_id)
        self._affected.update(owner.value for owner in owners if owner is not None)

    def unread(self) -> Unread:
        """What must be read from the stored events.

        Mostly there is nothing: a reopening or a delivery mostly arrives before what follows it.
        """
        return Unread(
            {
                (complaint_id, action): complaint.reopened_at
                for complaint_id, complaint in self.complaints.items()
                if complaint.reopened_at is not None
                for action in complaint.unread
            },
            {
                order_id: order.delivered_at
                for order_id, order in self.orders.items()
                if order.contact is not None
                and not order.contact.is_read
                and order.delivered_at is not None
            },
        )

    def recall(self, found: Unread) -> None:
        """Take in what was read; what the stored events do not have is not in it."""
        for complaint in self.complaints.values():
            for action in complaint.unread:
                complaint.recall(action, found.steps.get((complaint.complaint_id, action)))
        for order in self.orders.values():
            if order.contact is not None and not order.contact.is_read:
                self._measured_orders.recall_contact(order, found.contacts.get(order.order_id))

    def count_waits(self) -> None:
        """Count for how long sites were open while complaints waited; what was `unread` is read."""
        calendars = self._rules.calendars
        for complaint in self.complaints.values():
            if calendars is not None:
                complaint.count_opening(calendars.of(value_of(complaint.site_id)))
            elif complaint.opened_to_resolve is not None:
                complaint.count_opening(None)

    def begin_moves(self) -> list[str]:
        """Note whose earlier contributions must be counted elsewhere; their dimensions changed.

        Returns the ids of these customers.
        """
        moved = sorted(
            each
            for each, profile in self._profiles.items()
            if self.customers[each].profile != profile
        )
        for customer_id in moved:
            self.customers[customer_id].begin_move(self._profiles[customer_id])
        return moved

    def missing_customers(self) -> set[str]:
        """The owners of rows at hand whose own rows are not, and others whose rows are needed."""
        stated = [order.customer_id for order in self.orders.values()]
        owners = {owner.value for owner in stated if owner is not None}
        owners |= self._noted.owners(self.orders, self.complaints)
        return (owners | self._measured_complaints.owners(self.complaints)) - self.customers.keys()

    def attribute_rows(self) -> None:
        """Let orders and complaints count under their owners' profiles, as they are now.

        The owners of rows must be at hand, and moves must have begun.
        """
        self._measured_orders.attribute_all(self.orders, self.customers, self._noted.note_order)
        self._measured_complaints.attribute(self.complaints, self.customers)

    def moment_changes(self) -> MomentChanges:
        """The moments of customers that changed; to be called after `attribute_rows`."""
        return self._noted.changes(self.orders, self.complaints)

    def held_customers(self, changes: MomentChanges) -> set[str]:
        """Customers whose rows nobody may change: moments change, or a history is being moved."""
        moving = [each for each, state in self.customers.items() if state.move is not None]
        return changes.customers.union(moving).intersection(self.customers)

    def changed_customers(self) -> dict[str, CustomerState]:
        """The customers whose rows must be written; the others are as they were lent.

        To be called when moves have begun.
        """
        changed = self._changed_customers | self._new_customers
        return {each: state for each, state in self.customers.items() if each in changed}

    def affected_customers(self) -> set[str]:
        """Customers whose churn risk must be recomputed.

        Each event affects a risk that reads the latest events. Else repair steps do not, except a
        delivery, and the first step after a long silence or of an order.
        """
        return self._affected

    def contributions(self, events: Sequence[AnyEvent]) -> list[Contribution]:
        """What the batch adds to the aggregates and takes back, after `attribute_rows`."""
        customers = self.customers
        found = [
            contribution_of(
                event,
                moment_of(event),
                customers[event.customer_id].profile_of(event.event_id),
                measures,
            )
            for event in events
            if (measures := measures_of(event, self._declared))
        ]
        found += self._taken_back + self._measured_orders.differences
        return found + self._measured_complaints.contributions(self.complaints)
