"""Counts elsewhere what a customer said and did before a segment or a region was stated.

That happens in pieces, outside the batch that stated it. A customer may have a million events, and
no transaction may grow with them. So the customer's state says how far the move has come. Scored
events count under the one profile up to an event id, and under the other beyond it. Events that
arrive meanwhile count by the same rule, and the next piece finds those that lie beyond it. Every
piece saves the state with its version, like a batch. An order or a complaint knows itself under
which profile it counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from voc_stream.domain.contribution import contribution_of, moved
from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.domain.entities.counted import difference
from voc_stream.domain.entities.move import Move, complaints_after, orders_after
from voc_stream.domain.entities.order import OrderState
from voc_stream.domain.measures.of_event import measures_of
from voc_stream.domain.moment import moment_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.contribution import Contribution
    from voc_stream.domain.entities.customer import CustomerState
    from voc_stream.domain.entities.measure_rules import MeasureRules
    from voc_stream.domain.measures.of_event import EventMeasures
    from voc_stream.events.types import AnyEvent

Owned = TypeVar("Owned", OrderState, ComplaintState)


def move_events(
    customer: CustomerState,
    events: Sequence[AnyEvent],
    declared: EventMeasures,
    *,
    are_last: bool,
) -> list[Contribution]:
    """Move the next scored events, in the order of their ids.

    `are_last` says that none follows them. Changes the customer's state.
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
    customer: CustomerState, orders: Sequence[OrderState], rules: MeasureRules, *, are_last: bool
) -> tuple[list[OrderState], list[Contribution]]:
    """Let the orders that follow in the order of their ids count under the customer's profile.

    Returns those that changed, and what that adds.

    Changes the customer's state; after the last orders come complaints, if any are measured.
    """
    move = customer.move
    if move is None or orders_after(move) is None:
        return [], []
    if are_last:
        customer.move = (
            msgspec.structs.replace(move, complaint_id="") if rules.counts_complaints else None
        )
    elif orders:
        customer.move = msgspec.structs.replace(move, order_id=orders[-1].order_id)
    return _attributed(customer, orders, rules)


def move_complaints(
    customer: CustomerState,
    complaints: Sequence[ComplaintState],
    rules: MeasureRules,
    *,
    are_last: bool,
) -> tuple[list[ComplaintState], list[Contribution]]:
    """The same of complaints; after the last ones the move is done."""
    move = customer.move
    if move is None or complaints_after(move) is None:
        return [], []
    if are_last:
        customer.move = None
    elif complaints:
        customer.move = msgspec.structs.replace(move, complaint_id=complaints[-1].complaint_id)
    return _attributed(customer, complaints, rules)


def _attributed(
    customer: CustomerState, rows: Sequence[Owned], rules: MeasureRules
) -> tuple[list[Owned], list[Contribution]]:
    changed, found = [], []
    for row in rows:
        if row.profile != customer.profile:
            before = row.counted(rules)
            row.attribute(customer.profile)
            found += difference(before, row.counted(rules))
            changed.append(row)
    return changed, found
