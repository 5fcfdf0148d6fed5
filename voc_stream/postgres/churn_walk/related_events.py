"""Reads all events that the history of some customers depends on.

These are the events of the customers, and the others of the orders and complaints that those name:
an order may be stated to be another customer's later.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.folding.keys import keys_of
from voc_stream.events.decode import decode_stored
from voc_stream.postgres.schema.tables.events import COMPLAINT_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from voc_stream.events.types import AnyEvent
    from voc_stream.postgres.session.cursor import Cursor

MOST_EVENTS = 500
"""Who has more, or an order or a complaint of more, is no person: a test, a fleet, a default id."""
_OF_CUSTOMERS = "customer_id = wanted.key ORDER BY occurred_at"
_OF_ORDERS = "order_id = wanted.key"
_OF_COMPLAINTS = f"type = 'complaint' AND {COMPLAINT_ID} = wanted.key"


class Related(NamedTuple):
    """What was read.

    Attributes:
        events: by customer; nobody has more than `MOST_EVENTS`, and who has none is left out.
        too_many: customers who have more.
    """

    events: Mapping[str, Sequence[AnyEvent]]
    too_many: Collection[str]


def read_related(
    cursor: Cursor, customer_ids: Collection[str], alias: Mapping[str, str]
) -> Related:
    """The events of these customers, and of those who share an order or a complaint with them."""
    own = _read(cursor, _OF_CUSTOMERS, customer_ids, alias)
    others = _about(cursor, own, alias)
    sharers = {event.customer_id for events in others.values() for event in events}.difference(
        customer_ids
    )
    if sharers:
        own |= _read(cursor, _OF_CUSTOMERS, sharers, alias)
        others = _about(cursor, own, alias)
    found: dict[str, Sequence[AnyEvent]] = {}
    too_many = set()
    for customer_id, events in own.items():
        related = {event.event_id: event for event in events}
        for key in _keys(events):
            related |= {event.event_id: event for event in others[key]}
        if len(related) > MOST_EVENTS:
            too_many.add(customer_id)
        elif related:
            found[customer_id] = list(related.values())
    return Related(found, too_many)


_Key = tuple[str, str]


def _about(
    cursor: Cursor, own: Mapping[str, Sequence[AnyEvent]], alias: Mapping[str, str]
) -> Mapping[_Key, Sequence[AnyEvent]]:
    """The events of all orders and complaints that these events name."""
    keys = {key for events in own.values() if len(events) <= MOST_EVENTS for key in _keys(events)}
    found = defaultdict[_Key, list["AnyEvent"]](list)
    for kind, condition in (("order", _OF_ORDERS), ("complaint", _OF_COMPLAINTS)):
        of_kind = [value for each, value in keys if each == kind]
        for value, events in _read(cursor, condition, of_kind, alias).items():
            found[kind, value] += [event for event in events if event.concerns_order]
    return found


def _keys(events: Iterable[AnyEvent]) -> Iterable[_Key]:
    keys = keys_of(events)
    yield from (("order", order_id) for order_id in keys.orders)
    yield from (("complaint", complaint_id) for complaint_id in keys.complaints)


def _read(
    cursor: Cursor, condition: str, keys: Collection[str], alias: Mapping[str, str]
) -> dict[str, list[AnyEvent]]:
    """The events that fulfil a condition, by key: of each at most one more than is enough."""
    found: dict[str, list[AnyEvent]] = {key: [] for key in keys}
    if keys:
        cursor.execute(
            "SELECT wanted.key, e.body FROM unnest(%s::text[]) AS wanted (key) CROSS JOIN LATERAL ("
            f" SELECT body::text FROM touchpoint_event WHERE {condition} LIMIT {MOST_EVENTS + 1}"
            ") e",
            (sorted(keys),),
        )
        for key, body in cursor:
            found[key].append(decode_stored(body, alias))
    return found
