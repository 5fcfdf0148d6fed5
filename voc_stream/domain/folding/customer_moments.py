"""Finds which moments of customers a batch changes, of the orders and complaints that it touches.

Before an event may change an order or complaint, its moments are noted. In the end they are
compared. So an order that changes its customer takes its moments along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.entities.counted import dimensions_stated_by
from voc_stream.domain.entities.stated import value_of
from voc_stream.domain.measures.happened_within import CustomerMoment, MomentKey
from voc_stream.domain.moment import from_microseconds, microseconds_of
from voc_stream.events.types import RepairStep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from voc_stream.domain.entities.complaint import ComplaintState
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.domain.entities.order import OrderState
    from voc_stream.domain.measures.happened_within import WithinMeasures
    from voc_stream.events.types import AnyEvent

_BLANK = ("",) * len(COLUMNS)
"""The dimensions of a moment that counts under none, because nothing begins with it."""


class MomentChanges(NamedTuple):
    """What a batch changes.

    Attributes:
        gone: moments that are no longer so, or count under other dimensions.
        new: moments that are so now. One of the same key replaces what was there.
    """

    gone: list[MomentKey]
    new: list[CustomerMoment]

    @property
    def customers(self) -> set[str]:
        """The customers whose moments change."""
        return {key.customer_id for key in (*self.gone, *[one.key for one in self.new])}


class NotedMoments:
    """What orders and complaints said before a batch, of those that it may change.

    Attributes:
        of_orders: whether any moment of orders is kept.
    """

    def __init__(self, measures: WithinMeasures, rules: MeasureRules) -> None:
        self._measures, self._rules, self.of_orders = measures, rules, measures.of_orders
        self._orders: dict[str, list[CustomerMoment]] = {}
        self._complaints: dict[str, list[CustomerMoment]] = {}

    def before_event(self, order: OrderState, event: AnyEvent, *, moves: bool) -> None:
        """Note what the order says if the event may change that.

        `moves`: whether the event may change the order's dimensions.
        """
        if order.order_id not in self._orders and (moves or self._may_change(order, event)):
            self.note_order(order)

    def note_order(self, order: OrderState) -> None:
        """Note what the order says, for the first time only."""
        if self.of_orders and order.order_id not in self._orders:
            self._orders[order.order_id] = self._of_order(order)

    def note_complaint(self, complaint: ComplaintState) -> None:
        """Note what the complaint says, for the first time only."""
        complaint_id = complaint.complaint_id
        if self._measures.of_complaints and complaint_id not in self._complaints:
            self._complaints[complaint_id] = self._of_complaint(complaint)

    def owners(
        self, orders: Mapping[str, OrderState], complaints: Mapping[str, ComplaintState]
    ) -> set[str]:
        """The customers whose moments may change: their rows must be saved with the moments."""
        found = {one.key.customer_id for noted in self._noted() for one in noted}
        for entity_id in self._complaints:
            if entity_id in complaints and (owner := complaints[entity_id].customer_id) is not None:
                found.add(owner.value)
        for entity_id in self._orders:
            if entity_id in orders and (owner := orders[entity_id].customer_id) is not None:
                found.add(owner.value)
        return found

    def changes(
        self,
        orders: Mapping[str, OrderState],
        complaints: Mapping[str, ComplaintState],
    ) -> MomentChanges:
        """The moments that changed. All must count under their customers' profiles."""
        found = MomentChanges([], [])
        for order_id, before in self._orders.items():
            order = orders.get(order_id)
            _add_difference(found, before, [] if order is None else self._of_order(order))
        for complaint_id, before in self._complaints.items():
            complaint = complaints.get(complaint_id)
            _add_difference(
                found, before, [] if complaint is None else self._of_complaint(complaint)
            )
        return found

    def restated(
        self, orders: Iterable[OrderState], complaints: Iterable[ComplaintState]
    ) -> MomentChanges:
        """All moments of these rows, under the profiles under which they count now.

        To be called if nothing but their profiles has changed.
        """
        found = [one for order in orders for one in self._of_order(order)]
        if self._measures.of_complaints:
            found += [one for complaint in complaints for one in self._of_complaint(complaint)]
        return MomentChanges([], found)

    def _noted(self) -> Iterable[Collection[CustomerMoment]]:
        return (*self._orders.values(), *self._complaints.values())

    def _may_change(self, order: OrderState, event: AnyEvent) -> bool:
        if isinstance(event, RepairStep):
            if event.edge == "enter":
                if event.stage in self._measures.visit_stages and not self._is_there(order, event):
                    return True
            elif event.stage == self._measures.delivered:
                return True
        owner = order.customer_id
        return owner is not None and event.customer_id != owner.value

    def _is_there(self, order: OrderState, step: RepairStep) -> bool:
        """Whether the customer is known to have been there by the moment of the step."""
        stages, at = self._measures.visit_stages, microseconds_of(step.occurred_at)
        for stage, moment in order.entered.items():
            if moment <= at and stage in stages:
                return True
        return order.delivered is not None and order.delivered <= at

    def _visit(self, order: OrderState) -> int | None:
        """When the customer came: the first known entry, or the delivery if that is earlier."""
        stages = self._measures.visit_stages
        entered = [moment for stage, moment in order.entered.items() if stage in stages]
        if order.delivered is not None:
            entered.append(order.delivered)
        return min(entered) if entered else None

    def _of_order(self, order: OrderState) -> list[CustomerMoment]:
        owner, found, kinds = value_of(order.customer_id), [], self._measures.kinds
        if owner is None:
            return []
        if "visit" in kinds and (visit := self._visit(order)) is not None:
            key = MomentKey(owner, "visit", from_microseconds(visit), order.order_id)
            found.append(CustomerMoment(key, _BLANK))
        if "delivered" in kinds and order.delivered is not None:
            key = MomentKey(owner, "delivered", from_microseconds(order.delivered), order.order_id)
            found.append(CustomerMoment(key, order.dimensions))
        return found

    def _of_complaint(self, complaint: ComplaintState) -> list[CustomerMoment]:
        owner, opened_at = value_of(complaint.customer_id), complaint.opened_at
        if owner is None or opened_at is None:
            return []
        key = MomentKey(owner, "complaint", opened_at, complaint.complaint_id)
        if "complaint" not in self._measures.starts:
            return [CustomerMoment(key, _BLANK)]
        return [CustomerMoment(key, dimensions_stated_by(complaint, complaint.profile))]


def _add_difference(
    found: MomentChanges, before: list[CustomerMoment], after: list[CustomerMoment]
) -> None:
    if before != after:
        found.gone.extend(one.key for one in before if one not in after)
        found.new.extend(one for one in after if one not in before)
