"""Finds the rows that events touch, which must be at hand before the events are folded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.events.types import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        if event.order_id is not None and event.concerns_order:
            keys.orders.add(event.order_id)
        if isinstance(event, Complaint):
            keys.complaints.add(event.complaint_id)
    return keys
