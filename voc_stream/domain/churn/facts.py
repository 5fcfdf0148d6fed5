"""Declares what the risk of leaving depends on, for one customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta


class OrderFacts(NamedTuple):
    """What the risk needs of an order; scores in hundredths."""

    order_id: str
    delivered_at: datetime | None
    on_time: bool | None
    last_moment_at: datetime | None
    memory: float | None


class ComplaintFacts(NamedTuple):
    """What the risk needs of a complaint."""

    complaint_id: str
    severity: str
    state: str
    is_open: bool
    opened_at: datetime | None
    resolved_at: datetime | None
    time_to_resolve: timedelta | None


class Score(NamedTuple):
    """A customer's latest score for one experience, in hundredths."""

    at: datetime
    score: int


class CustomerFacts(NamedTuple):
    """All that the risk of one customer depends on; money in hundredths.

    `last_heard_at`: when the customer last acted, None for never. It may be an earlier act, if that
    shows already that nobody can call the customer inactive. `tenure_band`: the number of the band
    of how long the customer has been one.
    """

    customer_id: str
    last_heard_at: datetime | None
    annual_value: int | None
    attitude: Score | None
    outcome: Score | None
    orders: Sequence[OrderFacts]
    complaints: Sequence[ComplaintFacts]
    tenure_band: int = 0
