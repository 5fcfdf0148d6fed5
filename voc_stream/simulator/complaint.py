"""Simulates complaints, and customers who leave.

Both follow from a bad visit, and leaving also from how the complaint was handled.
"""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from voc_stream.events.types import Complaint, Customer
from voc_stream.simulator.phrases import remark
from voc_stream.simulator.world import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.events.types.fields import Action, ChurnReason
    from voc_stream.simulator.customers import SimulatedCustomer
    from voc_stream.simulator.network import Advisor, Shop
    from voc_stream.simulator.world import World

DEPARTMENT_IN_CHARGE = {
    "fair_charge": "finance",
    "repair_quality": "workshop",
    "car_cleanliness": "workshop",
    "service_time": "workshop",
    "lounge_comfort": "facilities",
}
BAD_VISIT, STEEPNESS = 6.4, 2.0
"""The overall feeling at which half of those who would ever complain do.

A point more or less makes so many times fewer or more complain (as a logit).
"""
COMPLAINT_SHARE, SILENT_LEAVING_SHARE = 0.65, 0.25
BACKGROUND_SHARE = 0.003
UNRESOLVED_LEAVING_SHARE, RESOLVED_LEAVING_SHARE = 0.6, 0.06
WON_BACK_SHARE = 0.2
MAXIMUM_ROUNDS = 3
FORGOTTEN_SHARE, FORGOTTEN_TIMES = 0.12, 8.0

# Survey shares of why customers leave, in percent.
CHURN_REASONS: dict[ChurnReason, int] = {
    "death": 1,
    "moved": 3,
    "other_relationship": 5,
    "competitor": 9,
    "product": 14,
    "attitude": 68,
}


class Visited(Protocol):
    """A visit that may be complained about; times and scores as in `Journey`."""

    customer: SimulatedCustomer
    shop: Shop
    advisor: Advisor
    attitude: float
    final_amount: float | None

    @property
    def order_id(self) -> str | None:
        """The order of the visit, if any."""

    def felt(self, experience: str) -> float:
        """What the customer feels about a rating."""

    def worst(self) -> str | None:
        """The rating that the customer feels worst about."""


def may_complain(world: World, journey: Visited) -> Iterator[float]:
    """Let a customer complain after a visit, or leave without a word, or stay.

    The worse the visit felt, the likelier is a complaint.
    """
    badness = 1.0 / (1.0 + math.exp(STEEPNESS * (journey.felt("overall") - BAD_VISIT)))
    if world.chance(COMPLAINT_SHARE * badness + BACKGROUND_SHARE):
        yield from complain(world, journey, severe=world.chance(0.2 + 0.5 * badness))
    elif world.chance(SILENT_LEAVING_SHARE * badness + BACKGROUND_SHARE):
        yield from leave(world, journey)


def complain(world: World, journey: Visited, *, severe: bool) -> Iterator[float]:
    """Run one complaint from its opening to whatever end the shop brings it."""
    random = world.random
    category = journey.worst()
    common: dict[str, str | None] = {
        "complaint_id": world.next_id("K"),
        "category": category,
        "severity": "major" if severe else "minor",
    }
    patience = max(1.0, journey.shop.slowness) * (1.0 - 0.3 * min(0.0, journey.attitude))
    department = DEPARTMENT_IN_CHARGE.get(category or "", "service")
    _act(world, journey, "opened", common, text=remark(random, category, content=False))
    for _ in range(MAXIMUM_ROUNDS):
        yield random.uniform(0.02, 0.3) * DAY * patience * _times_left_lying(common["complaint_id"])
        _act(
            world,
            journey,
            "acknowledged",
            common,
            handed_to=department if world.chance(0.5) else None,
        )
        if world.chance(0.8):
            yield random.uniform(0.01, 0.1) * DAY * patience
            _act(world, journey, "apologised", common)
        yield random.uniform(0.1, 1.5) * DAY * patience
        if not world.chance(0.92 - 0.12 * patience - (0.1 if severe else 0.0)):
            yield from _unresolved(world, journey, common)
            return
        _act(
            world,
            journey,
            "resolved",
            common,
            compensation=_compensation(world, journey) if world.chance(0.35) else None,
        )
        yield random.uniform(0.02, 0.2) * DAY
        _act(world, journey, "informed", common)
        yield random.uniform(0.1, 1.0) * DAY
        if not world.chance(0.12):
            break
        _act(world, journey, "reopened", common, text=remark(random, category, content=False))
    if world.chance(0.85):
        _act(world, journey, "closed", common)
    if world.chance(RESOLVED_LEAVING_SHARE):
        yield from leave(world, journey)


def _times_left_lying(complaint_id: str | None) -> float:
    """How much longer than usual a complaint waits before anybody answers it.

    It follows from the complaint alone, so that nothing else of the story depends on it.
    """
    luck = Random(f"forgotten {complaint_id}").random()  # noqa: S311  a simulation, no secret
    return FORGOTTEN_TIMES if luck < FORGOTTEN_SHARE else 1.0


def _unresolved(world: World, journey: Visited, common: dict[str, str | None]) -> Iterator[float]:
    """Nobody solves it: the customer gives up, leaves, or is still waiting."""
    if world.chance(0.25):
        yield world.random.uniform(0.5, 2.0) * DAY
        _act(world, journey, "withdrawn", common)
    if world.chance(UNRESOLVED_LEAVING_SHARE):
        yield from leave(world, journey)


def leave(world: World, journey: Visited) -> Iterator[float]:
    """The customer leaves, and is perhaps won back."""
    customer = journey.customer
    yield world.random.uniform(0.5, 3.0) * DAY
    if customer.left:
        return
    customer.left = True
    reason = world.random.choices(tuple(CHURN_REASONS), tuple(CHURN_REASONS.values()))[0]
    _change(world, journey, "churned", churn_reason=reason)
    if reason != "death" and world.chance(WON_BACK_SHARE):
        yield world.random.uniform(1.0, 4.0) * DAY
        customer.left = False
        _change(world, journey, "won_back", lifecycle_stage="opportunity")


def _compensation(world: World, journey: Visited) -> float:
    return round((journey.final_amount or 500.0) * world.random.uniform(0.1, 0.5), 2)


def _act(
    world: World, journey: Visited, action: Action, common: dict[str, str | None], **fields: Any
) -> None:
    world.emit(
        Complaint,
        customer_id=journey.customer.customer_id,
        site_id=journey.shop.site_id,
        department="call_centre",
        employee_id=journey.advisor.employee_id,
        product=journey.customer.product,
        channel="call_centre",
        order_id=journey.order_id,
        action=action,
        **common,
        **fields,
    )


def _change(world: World, journey: Visited, change: str, **fields: Any) -> None:
    world.emit(
        Customer,
        customer_id=journey.customer.customer_id,
        site_id=journey.shop.site_id,
        change=change,
        **fields,
    )
