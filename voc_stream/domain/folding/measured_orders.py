"""Says what a batch changes about the measures of orders.

An order has many events, and most of them change no measure. So only the measures that an event may
change are worked out, before it and after it. The differences are what the batch adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.entities.counted import Counted, difference
from voc_stream.domain.measures.of_order import NOTHING_AT_STAKE, AtStake
from voc_stream.events.types import RepairStep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from voc_stream.domain.contribution import Contribution, Profile
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.domain.entities.order import OrderState
    from voc_stream.events.types import AnyEvent


class MeasuredOrders:
    """Changes orders, and keeps what that changes about their measures.

    Attributes:
        differences: what the changes so far add and take back.
    """

    def __init__(self, rules: MeasureRules) -> None:
        self._rules = rules
        self.differences: list[Contribution] = []

    def apply(self, order: OrderState, event: AnyEvent, at: datetime, *, moves: bool) -> None:
        """Let an event change an order; `moves` says whether it may change its dimensions."""
        rules = self._rules
        at_stake = measures_at_stake(order, event, rules, moves=moves)
        if not at_stake.after:
            order.apply(event, at, rules)
            return
        if moves:
            counted = order.counted(rules, at_stake.before)
            order.apply(event, at, rules)
            self.differences += difference(counted, order.counted(rules, at_stake.after))
            return
        before = order.measured(rules, at_stake.before) if at_stake.before else []
        order.apply(event, at, rules)
        after = order.measured(rules, at_stake.after)
        if before != after:
            dimensions = order.dimensions
            self.differences += difference(Counted(dimensions, before), Counted(dimensions, after))

    def recall_contact(self, order: OrderState, earliest: datetime | None) -> None:
        """Let an order take in its earliest contact, as it was read from the stored events."""
        rules = self._rules
        at_stake = rules.measures.on_contact
        before = order.counted(rules, at_stake)
        order.recall_contact(earliest)
        self.differences += difference(before, order.counted(rules, at_stake))

    def attribute(self, order: OrderState, profile: Profile) -> None:
        """Let an order count under another profile."""
        before = order.counted(self._rules)
        order.attribute(profile)
        self.differences += difference(before, order.counted(self._rules))

    def attribute_all(
        self,
        orders: Mapping[str, OrderState],
        customers: Mapping[str, CustomerState],
        note: Callable[[OrderState], None],
    ) -> None:
        """Let orders count under their owners' profiles; `note` is told which are to change."""
        for order in orders.values():
            if order.customer_id is None:
                continue
            profile = customers[order.customer_id.value].profile
            if order.profile != profile:
                note(order)
                self.attribute(order, profile)

    def replace(self, before: OrderState, after: OrderState | None) -> None:
        """Replace an order by what remains of it; None if nothing does.

        What remains counts under the same profile as before.
        """
        counted = before.counted(self._rules)
        if after is None:
            self.differences += difference(counted, counted._replace(measured=[]))
        else:
            after.attribute(before.profile)
            self.differences += difference(counted, after.counted(self._rules))


def measures_at_stake(
    order: OrderState, event: AnyEvent, rules: MeasureRules, *, moves: bool
) -> AtStake:
    """The measures whose part of `counted` an event may change; mostly few or none.

    `moves`: whether it may change the order's dimensions.
    """
    measures = rules.measures
    if moves and (order.entered or order.exited or order.final_amount):
        return AtStake(measures.every, measures.every)
    if isinstance(event, RepairStep):
        on_step = measures.on_step(event)
        if not on_step.after:
            return NOTHING_AT_STAKE
        after = [one for one in on_step.after if one.gate is None or order.at(one.gate) is not None]
        known = order.entered if event.edge == "enter" else order.exited
        return AtStake(after if event.stage in known else on_step.before, after)
    # Contacts before the delivery are no follow-up.
    if order.delivered is not None and event.is_contact(rules.flow.follow_up):
        return AtStake(measures.on_contact, measures.on_contact)
    return NOTHING_AT_STAKE
