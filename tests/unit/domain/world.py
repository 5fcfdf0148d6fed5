"""A store in memory that folds batches as the database does, and keeps each state only as its JSON."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from builders import START, message

from voc_stream.domain.fold import Fold, keys_of
from voc_stream.domain.stated import value_of
from voc_stream.events.decode import Refusal, decode
from voc_stream.postgres.rows import decode_complaint, decode_customer, decode_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from builders import Event

    from voc_stream.catalogue import Catalogue
    from voc_stream.domain.contribution import Contribution
    from voc_stream.events.types import AnyEvent

NOW = START + timedelta(days=29)
Sums = Counter[tuple[object, ...]]

encode = msgspec.json.Encoder(order="deterministic").encode


def events_of(bodies: Iterable[Event], catalogue: Catalogue) -> list[AnyEvent]:
    """Events as the decoder makes them of messages."""
    found = []
    for body in bodies:
        event = decode(message(body), NOW, catalogue)
        assert not isinstance(event, Refusal), event
        found.append(event)
    return found


def summed(contributions: Iterable[Contribution]) -> Sums:
    """How often each measure counts under its moment and dimensions; what was added and taken back is not there."""
    sums: Sums = Counter()
    for contribution in contributions:
        *key, weight, measures = contribution
        for measure in measures:
            sums[(*key, *msgspec.structs.astuple(measure))] += weight
    return Counter({key: count for key, count in sums.items() if count})


class World:
    """States by key, as JSON, and the sums of all contributions."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._events: list[AnyEvent] = []
        self._contributions: list[Contribution] = []
        self.customers: dict[str, bytes] = {}
        self.orders: dict[str, bytes] = {}
        self.complaints: dict[str, bytes] = {}
        self.assessed: set[str] = set()

    @property
    def sums(self) -> Sums:
        """The sums of all contributions so far."""
        return summed(self._contributions)

    def take_in(self, events: Sequence[AnyEvent]) -> None:
        """Fold one batch; `assessed` are then the customers whose risk it may have changed."""
        keys, fold = keys_of(events), Fold(self._catalogue, NOW)
        fold.add_customers(_loaded(self.customers, keys.customers, decode_customer))
        fold.add_orders(_loaded(self.orders, keys.orders, decode_order))
        fold.add_complaints(_loaded(self.complaints, keys.complaints, decode_complaint))
        fold.apply(events)
        moved = set(fold.moved_customers())
        others = {key: decode_order(state) for key, state in self.orders.items() if key not in fold.orders}
        fold.add_orders({key: order for key, order in others.items() if (value_of(order.customer_id) or "") in moved})
        fold.add_customers(_loaded(self.customers, fold.missing_customers(), decode_customer))
        self._contributions += fold.contributions(events, [event for event in self._events if event.customer_id in moved])
        for stored, states in ((self.customers, fold.customers), (self.orders, fold.orders), (self.complaints, fold.complaints)):
            stored.update((key, encode(state)) for key, state in states.items())
        self._events += events
        self.assessed = fold.affected_customers()

    def same_as(self, other: World) -> bool:
        """Whether states and sums are equal."""
        return all(getattr(self, name) == getattr(other, name) for name in ("customers", "orders", "complaints", "sums"))


def _loaded(stored: dict[str, bytes], keys: Iterable[str], decode_state: Callable[[Any], Any]) -> dict[str, Any]:
    return {key: decode_state(stored[key]) for key in keys if key in stored}
