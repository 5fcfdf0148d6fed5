"""Folds the events of one customer, as a peer keeps them: what is known, and what a batch changes.

It uses the project's own domain, so that a peer and the project do the same work for an event. How
events reach it, where the state is, and how rows get to PostgreSQL, is the peer's affair. Pure.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from voc_stream.domain.churn.facts import ComplaintFacts, CustomerFacts, OrderFacts, Score
from voc_stream.domain.churn.hazard import assess
from voc_stream.domain.churn.risk_model import RiskModel, risk_model
from voc_stream.domain.entities.complaint import OPEN_STATES, ComplaintState
from voc_stream.domain.entities.customer import CustomerState
from voc_stream.domain.entities.order import OrderState  # noqa: TC001  msgspec reads it
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.folding.fold_batch import Fold
from voc_stream.domain.folding.fold_rules import fold_rules
from voc_stream.domain.folding.keys import keys_of
from voc_stream.domain.folding.unread import Unread
from voc_stream.domain.moment import moment_of
from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.domain.churn.hazard import ChurnRisk
    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.journey import LastMoment
    from voc_stream.events.types import AnyEvent
    from voc_stream.pipeline.ports import Partition


class Arrived(NamedTuple):
    """An event with its bytes and where they were read."""

    event: AnyEvent
    value: bytes
    partition: Partition
    offset: int


class Known(msgspec.Struct):
    """All that is known of a customer.

    Attributes:
        event_ids: of events that were counted.
        writes: how often something of the customer was written.
        contacts: moments of contacts, by order.
        steps: moments of complaints, by complaint and action.
    """

    customer: CustomerState
    event_ids: set[str] = set()
    orders: dict[str, OrderState] = {}
    complaints: dict[str, ComplaintState] = {}
    writes: int = 0
    contacts: dict[str, list[datetime]] = {}
    steps: dict[str, list[datetime]] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Known).decode


class Changes(NamedTuple):
    """What new events change: the rows that must be written, and what is added to sums."""

    facts: Sequence[Arrived]
    customer: CustomerState
    orders: Mapping[str, OrderState]
    complaints: Mapping[str, ComplaintState]
    risk: ChurnRisk | None
    contributions: Sequence[Contribution]
    version: int


class CustomerJob:
    """The fold of customers by one catalogue, as of one moment."""

    def __init__(self, catalogue: Catalogue, as_of: datetime) -> None:
        self.catalogue, self._as_of = catalogue, as_of
        self._follow_up, self._rules = catalogue.flow.follow_up, fold_rules(catalogue)
        self._model: RiskModel = risk_model(catalogue)

    def nothing_known(self, customer_id: str) -> Known:
        """A customer before the first event."""
        return Known(CustomerState(customer_id))

    def encode(self, known: Known) -> bytes:
        """What is known, as a peer keeps it through a crash."""
        return _encode(known)

    def decode(self, encoded: bytes) -> Known:
        """The same again."""
        return _decode(encoded)

    def take_in(self, known: Known, arrived: Sequence[Arrived]) -> Changes | None:
        """Let events change what is known; None if all of them were counted before."""
        new = {
            each.event.event_id: each
            for each in reversed(arrived)
            if each.event.event_id not in known.event_ids
        }
        if not new:
            return None
        events = [each.event for each in new.values()]
        is_first = not known.event_ids
        known.event_ids.update(new)
        known.writes += 1
        for event in events:
            self._note(known, event)
        fold = Fold(self.catalogue, self._as_of, self._rules)
        keys = keys_of(events)
        if not is_first:
            fold.add_customers({known.customer.customer_id: known.customer})
        fold.add_orders({key: known.orders[key] for key in keys.orders & known.orders.keys()})
        fold.add_complaints(
            {key: known.complaints[key] for key in keys.complaints & known.complaints.keys()}
        )
        fold.apply(events)
        fold.recall(_read(known, fold.unread()))
        fold.count_waits()
        if fold.begin_moves():
            raise NotImplementedError("the benchmark mix states no profiles, so nothing is moved")
        [known.customer] = fold.customers.values()
        known.orders |= fold.orders
        known.complaints |= fold.complaints
        fold.attribute_rows()
        contributions = fold.contributions(events)
        return Changes(
            list(new.values()),
            known.customer,
            fold.orders,
            fold.complaints,
            self._risk(known),
            contributions,
            known.writes,
        )

    def _note(self, known: Known, event: AnyEvent) -> None:
        at = moment_of(event)
        if event.order_id is not None and event.is_contact(self._follow_up):
            known.contacts.setdefault(event.order_id, []).append(at)
        if isinstance(event, Complaint):
            known.steps.setdefault(f"{event.complaint_id}\t{event.action}", []).append(at)

    def _risk(self, known: Known) -> ChurnRisk | None:
        customer = known.customer
        if customer.has_left:
            return None
        heard = [customer.heard_at]
        for order in known.orders.values():
            heard += [
                order.moments.last.at if order.moments.last else None,
                order.step.at if order.step else None,
                order.contact.last if order.contact else None,
            ]
        for complaint in known.complaints.values():
            heard += [complaint.opened_at, complaint.reopened_at, complaint.time_of("withdrawn")]
        facts = CustomerFacts(
            customer.customer_id,
            max(filter(None, heard), default=None),
            value_of(customer.annual_value),
            _score(customer.attitude),
            _score(customer.outcome),
            [_order_facts(order) for order in known.orders.values()],
            [_complaint_facts(complaint) for complaint in known.complaints.values()],
        )
        return assess(facts, self._model, self._as_of)


def _read(known: Known, unread: Unread) -> Unread:
    steps = {
        (complaint_id, action): found
        for (complaint_id, action), after in unread.steps.items()
        if (found := _earliest(known.steps.get(f"{complaint_id}\t{action}", ()), after))
    }
    contacts = {
        order_id: found
        for order_id, after in unread.contacts.items()
        if (found := _earliest(known.contacts.get(order_id, ()), after))
    }
    return Unread(steps, contacts)


def _earliest(moments: Sequence[datetime], after: datetime) -> datetime | None:
    return min((moment for moment in moments if moment > after), default=None)


def _score(moment: LastMoment | None) -> Score | None:
    return None if moment is None else Score(moment.at, moment.score)


def _order_facts(order: OrderState) -> OrderFacts:
    last = order.moments.last
    return OrderFacts(
        order.order_id,
        order.delivered_at,
        order.on_time,
        last.at if last else None,
        order.moments.memory,
    )


def _complaint_facts(complaint: ComplaintState) -> ComplaintFacts:
    return ComplaintFacts(
        complaint.complaint_id,
        value_of(complaint.severity) or "",
        complaint.state or "",
        complaint.state in OPEN_STATES,
        complaint.opened_at,
        complaint.time_of("resolved"),
        complaint.time_to_resolve,
    )
