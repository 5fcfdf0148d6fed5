"""Folds batches in memory as the database does, and keeps each state only as its JSON."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from builders import START, message

from voc_stream.domain.contribution import Contribution
from voc_stream.domain.entities.measure_rules import measure_rules
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.folding.customer_moments import NotedMoments
from voc_stream.domain.folding.fold_batch import Fold
from voc_stream.domain.folding.history import Owned, move_complaints, move_events, move_orders
from voc_stream.domain.folding.keys import keys_of
from voc_stream.domain.folding.remaining import Remaining
from voc_stream.domain.folding.unread import Unread
from voc_stream.domain.measures.happened_within import within_measures
from voc_stream.domain.measures.of_event import event_measures
from voc_stream.domain.moment import moment_of
from voc_stream.events.decode import Refusal, decode
from voc_stream.events.types import Callback, Complaint, RepairStep, Retraction
from voc_stream.events.types.base import Measure
from voc_stream.postgres.schema.tables.complaint import COMPLAINT
from voc_stream.postgres.schema.tables.customer import CUSTOMER
from voc_stream.postgres.schema.tables.repair_order import REPAIR_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from builders import Event

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.entities.complaint import ComplaintState
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.order import OrderState
    from voc_stream.domain.folding.customer_moments import MomentChanges
    from voc_stream.domain.measures.happened_within import MomentKey
    from voc_stream.events.types import AnyEvent

NOW = START + timedelta(days=29)
Sums = Counter[tuple[object, ...]]

encode = msgspec.json.Encoder(order="deterministic").encode


def events_of(bodies: Iterable[Event], catalogue: Catalogue) -> list[AnyEvent]:
    """Events as the decoder makes them of messages."""
    found = []
    for body in bodies:
        event = decode(message(body), NOW, catalogue)
        assert not isinstance(event, Refusal | Retraction), event
        found.append(event)
    return found


def summed(contributions: Iterable[Contribution]) -> Sums:
    """How often each measure counts under its moment and dimensions.

    What was added and taken back is not there.
    """
    sums: Sums = Counter()
    for contribution in contributions:
        moment, dimensions, weight, measures = contribution
        for measure in measures:
            sums[(moment, *dimensions, *msgspec.structs.astuple(measure))] += weight
    return Counter({key: count for key, count in sums.items() if count})


def found_among(events: Iterable[AnyEvent], unread: Unread) -> Unread:
    """What must be read, told by all events that are stored."""
    found = Unread({}, {})
    for event in sorted(events, key=moment_of, reverse=True):
        at = moment_of(event)
        if isinstance(event, Complaint) and at > unread.steps.get(
            (event.complaint_id, event.action), at
        ):
            found.steps[event.complaint_id, event.action] = at  # type: ignore[index]  # the earliest comes last
        if (
            event.order_id is not None
            and _is_contact(event)
            and at > unread.contacts.get(event.order_id, at)
        ):
            found.contacts[event.order_id] = at  # type: ignore[index]
    return found


def _is_contact(event: AnyEvent) -> bool:
    if isinstance(event, Callback):
        return event.outcome == "completed"
    return isinstance(event, RepairStep) and (event.stage, event.edge) == ("follow_up", "exit")


class Moved(NamedTuple):
    """What one piece of a move changed, and what that adds."""

    orders: list[OrderState]
    complaints: list[ComplaintState]
    contributions: list[Contribution]


class Histories(NamedTuple):
    """What is stored: all events, orders and complaints."""

    events: Iterable[AnyEvent]
    orders: Iterable[OrderState]
    complaints: Iterable[ComplaintState]


def move_piece(
    customer: CustomerState, stored: Histories, catalogue: Catalogue, rows: int
) -> Moved:
    """Move at most so many events, orders or complaints of a customer, of all that are stored."""
    move, rules = customer.move, measure_rules(catalogue)
    if move is None:
        return Moved([], [], [])
    if move.order_id is None:
        ahead = [
            event
            for event in stored.events
            if event.customer_id == customer.customer_id and event.event_id > move.event_id
        ]
        ahead.sort(key=lambda event: event.event_id)
        declared = event_measures(catalogue)
        added = move_events(customer, ahead[:rows], declared, are_last=len(ahead) <= rows)
        return Moved([], [], added)
    if move.complaint_id is None:
        orders = _owned(customer, stored.orders, "order_id", move.order_id)
        are_last = len(orders) <= rows
        changed, added = move_orders(customer, orders[:rows], rules, are_last=are_last)
        return Moved(changed, [], added)
    owned = _owned(customer, stored.complaints, "complaint_id", move.complaint_id)
    restated, added = move_complaints(customer, owned[:rows], rules, are_last=len(owned) <= rows)
    return Moved([], restated, added)


def _owned(customer: CustomerState, rows: Iterable[Owned], key: str, after: str) -> list[Owned]:
    found = [
        row
        for row in rows
        if value_of(row.customer_id) == customer.customer_id and getattr(row, key) > after
    ]
    return sorted(found, key=lambda row: str(getattr(row, key)))


class World:
    """States by key, as JSON, and the sums of all contributions."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._events: list[AnyEvent] = []
        self._contributions: list[Contribution] = []
        self._within = within_measures(catalogue)
        self._moments: dict[MomentKey, tuple[str, ...]] = {}
        self._moving: set[str] = set()
        self.customers: dict[str, bytes] = {}
        self.orders: dict[str, bytes] = {}
        self.complaints: dict[str, bytes] = {}
        self.assessed: set[str] = set()

    @property
    def sums(self) -> Sums:
        """The sums of all contributions so far."""
        return summed([*self._contributions, *self._counted_within()])

    def _counted_within(self) -> Iterable[Contribution]:
        """What the moments that are known by now measure, each with all others."""
        for measure in self._within.every:
            for (customer_id, kind, moment, _), dimensions in self._moments.items():
                if kind == measure.start:
                    end = moment + measure.within
                    happened = any(
                        other.customer_id == customer_id
                        and other.kind == measure.what
                        and moment < other.moment <= end
                        for other in self._moments
                    )
                    value = measure.happened if happened else measure.did_not
                    yield Contribution(end, dimensions, 1, (Measure(measure.experience, value),))

    def _save_moments(self, changes: MomentChanges) -> None:
        for key in changes.gone:
            del self._moments[key]
        self._moments.update(changes.new)

    def take_in(self, events: Sequence[AnyEvent]) -> None:
        """Fold one batch; `assessed` are then the customers whose risk it may have changed."""
        keys, fold = keys_of(events), Fold(self._catalogue, NOW)
        fold.add_customers(_loaded(self.customers, keys.customers, CUSTOMER.decode))
        fold.add_orders(_loaded(self.orders, keys.orders, REPAIR_ORDER.decode))
        fold.add_complaints(_loaded(self.complaints, keys.complaints, COMPLAINT.decode))
        fold.apply(events)
        fold.recall(found_among([*self._events, *events], fold.unread()))
        self._moving |= set(fold.begin_moves())
        fold.add_customers(_loaded(self.customers, fold.missing_customers(), CUSTOMER.decode))
        fold.attribute_rows()
        self._contributions += fold.contributions(events)
        self._save_moments(fold.moment_changes())
        for stored, states in (
            (self.customers, fold.changed_customers()),
            (self.orders, fold.orders),
            (self.complaints, fold.complaints),
        ):
            stored.update((key, encode(state)) for key, state in states.items())
        self._events += events
        self.assessed = fold.affected_customers()

    def take_out(self, events: Sequence[AnyEvent]) -> None:
        """Take events out that were taken in before."""
        gone = {event.event_id for event in events}
        left = [event for event in self._events if event.event_id not in gone]
        keys, fold = keys_of(events), Fold(self._catalogue, NOW)
        fold.add_customers(_loaded(self.customers, keys.customers, CUSTOMER.decode))
        fold.add_orders(_loaded(self.orders, keys.orders, REPAIR_ORDER.decode))
        fold.add_complaints(_loaded(self.complaints, keys.complaints, COMPLAINT.decode))
        silent = keys.customers - keys_of(left).customers
        remaining = Remaining(fold.to_fold_anew(events, silent))
        rules = measure_rules(self._catalogue)
        for event in left:
            keys_of_event = keys_of([event])
            if keys_of_event.customers & remaining.keys.customers:
                remaining.add_to_customer(event, moment_of(event), self._catalogue.churn)
            if keys_of_event.orders & remaining.keys.orders:
                remaining.add_to_order(event, moment_of(event), rules)
            if keys_of_event.complaints & remaining.keys.complaints:
                remaining.add_to_complaint(event, moment_of(event))
        fold.take_out(events, remaining)
        fold.recall(found_among(left, fold.unread()))
        self._moving |= set(fold.begin_moves())
        self._moving -= set(remaining.gone_customers())
        fold.add_customers(_loaded(self.customers, fold.missing_customers(), CUSTOMER.decode))
        fold.attribute_rows()
        self._contributions += fold.contributions([])
        self._save_moments(fold.moment_changes())
        for stored, states, empty in (
            (self.customers, fold.changed_customers(), remaining.gone_customers()),
            (self.orders, fold.orders, remaining.gone_orders()),
            (self.complaints, fold.complaints, remaining.gone_complaints()),
        ):
            stored.update((key, encode(state)) for key, state in states.items())
            for key in empty:
                del stored[key]
        self._events = left

    def move_some(self, rows: int = 1) -> bool:
        """Move one piece of each history that is under way; whether there was one."""
        for customer_id in sorted(self._moving):
            customer = CUSTOMER.decode(self.customers[customer_id].decode())
            orders = [REPAIR_ORDER.decode(state.decode()) for state in self.orders.values()]
            complaints = [COMPLAINT.decode(state.decode()) for state in self.complaints.values()]
            stored = Histories(self._events, orders, complaints)
            moved = move_piece(customer, stored, self._catalogue, rows)
            self._contributions += moved.contributions
            noted = NotedMoments(self._within, measure_rules(self._catalogue))
            self._save_moments(noted.restated(moved.orders, moved.complaints))
            self.orders.update((each.order_id, encode(each)) for each in moved.orders)
            self.complaints.update((each.complaint_id, encode(each)) for each in moved.complaints)
            self.customers[customer_id] = encode(customer)
            if customer.move is None:
                self._moving.remove(customer_id)
        return bool(self._moving)

    def same_as(self, other: World) -> bool:
        """Whether states and sums are equal."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("customers", "orders", "complaints", "sums")
        )


def _loaded(
    stored: dict[str, bytes], keys: Iterable[str], decode_state: Callable[[Any], Any]
) -> dict[str, Any]:
    return {key: decode_state(stored[key]) for key in keys if key in stored}
