"""Finds the rows that events touch, which must be at hand before the events are folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from voc_stream.events.types import AnyEvent


class Keys(NamedTuple):
    """The rows that events touch."""

    customers: AbstractSet[str]
    orders: AbstractSet[str]
    complaints: AbstractSet[str]


def keys_of(events: Iterable[AnyEvent]) -> Keys:
    """The rows that must be at hand before events can be folded, in the order of the events.

    So rows that are folded one after the other are read one after the other, and lie side by side.
    """
    customers, orders, complaints = dict[str, None](), dict[str, None](), dict[str, None]()
    for event in events:
        customers[event.customer_id] = None
        if event.order_id is not None and event.concerns_order:
            orders[event.order_id] = None
        if isinstance(event, Complaint):
            complaints[event.complaint_id] = None
    return Keys(customers.keys(), orders.keys(), complaints.keys())
