"""Declares what the risk of leaving depends on, for one customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from voc_stream.events.types import AnyEvent


MOST_EVENTS = 200
"""So many latest events of a customer count, steps of orders among them."""


class OrderFacts(NamedTuple):
    """What the risk needs of an order; scores in hundredths."""

    order_id: str
    delivered_at: datetime | None
    on_time: bool | None
    last_moment_at: datetime | None
    memory: float | None
    follow_up_due_at: datetime | None = None
    followed_up_at: datetime | None = None


class ComplaintFacts(NamedTuple):
    """What the risk needs of a complaint.

    `ended_at`: when it was closed or withdrawn, if it was never resolved.
    """

    complaint_id: str
    severity: str
    state: str
    is_open: bool
    opened_at: datetime | None
    resolved_at: datetime | None
    time_to_resolve: timedelta | None
    ended_at: datetime | None = None


class Score(NamedTuple):
    """A customer's latest score for one experience, in hundredths."""

    at: datetime
    score: int


class CustomerFacts(NamedTuple):
    """All that the risk of one customer depends on; money in hundredths.

    `last_heard_at`: when the customer last acted, None for never. It may be an earlier act, if that
    shows already that nobody can call the customer inactive. `tenure_band`: the number of the band
    of how long the customer has been one.

    The last three are further facts: nothing is in them if no signal needs them. `visits` is the
    number of orders; numbers above 8 are 8. `events` are the latest events that are no steps of an
    order, the latest first. Then `orders` and `complaints` have those that the latest events name,
    too.
    """

    customer_id: str
    last_heard_at: datetime | None
    annual_value: int | None
    attitude: Score | None
    outcome: Score | None
    orders: Sequence[OrderFacts]
    complaints: Sequence[ComplaintFacts]
    tenure_band: int = 0
    customer_since: datetime | None = None
    visits: int = 0
    events: Sequence[AnyEvent] = ()
