"""What a customer said and did before a segment or a region was stated.

Counted elsewhere in pieces, outside the batch that stated it.

A customer may have a million events, and no transaction may grow with them. So the customer's state
says how far the move has come: scored events count under the one profile up to an event id, and
under the other beyond it. Events that arrive meanwhile count by the same rule, and the next piece
finds those that lie ahead of it. Every piece saves the state with its version, like a batch. An
order knows itself under which profile it counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from voc_stream.domain.contribution import contribution_of, moved
from voc_stream.domain.entities.counted import difference
from voc_stream.domain.entities.move import Move
from voc_stream.domain.measures.of_event import measures_of
from voc_stream.domain.moment import moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.order import OrderState
    from voc_stream.domain.entities.timing_rules import TimingRules
    from voc_stream.domain.measures.of_event import EventMeasures
    from voc_stream.events.types import AnyEvent


def move_events(
    customer: CustomerState,
    events: Sequence[AnyEvent],
    declared: EventMeasures,
    *,
    are_last: bool,
) -> list[Contribution]:
    """Move the scored events that follow in the order of their ids; whether they `are_last`.

    Changes the customer's state.
    """
    move = customer.move
    if move is None or move.order_id is not None:
        return []
    found: list[Contribution] = []
    for event in events:
        measures = measures_of(event, declared)
        contribution = contribution_of(event, moment_of(event), move.before, measures)
        found += moved([contribution], move.before, move.after)
    if not are_last:
        customer.move = (
            msgspec.structs.replace(move, event_id=events[-1].event_id) if events else move
        )
    elif move.after == customer.profile:
        customer.move = msgspec.structs.replace(move, order_id="")
    else:  # another was stated meanwhile
        customer.move = Move(move.after, customer.profile)
    return found


def move_orders(
    customer: CustomerState, orders: Sequence[OrderState], rules: TimingRules, *, are_last: bool
) -> tuple[list[OrderState], list[Contribution]]:
    """Let the orders that follow in the order of their ids count under the customer's profile.

    Returns those that changed, and what that adds.

    Changes the customer's state; after the last orders the move is done.
    """
    move = customer.move
    if move is None or move.order_id is None:
        return [], []
    changed, found = [], []
    for order in orders:
        if order.profile != customer.profile:
            before = order.counted(rules)
            order.attribute(customer.profile)
            found += difference(before, order.counted(rules))
            changed.append(order)
    if are_last:
        customer.move = None
    elif orders:
        customer.move = msgspec.structs.replace(move, order_id=orders[-1].order_id)
    return changed, found
