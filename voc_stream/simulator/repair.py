"""Simulates a visit: the repair order through its stages, and what follows from it.

The touchpoints on the way are part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voc_stream.events.types import Customer, RepairStep, Touchpoint
from voc_stream.simulator.callback import call_back
from voc_stream.simulator.complaint import may_complain
from voc_stream.simulator.journey import Journey
from voc_stream.simulator.world import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.events.types.fields import Edge
    from voc_stream.simulator.journey import Stage
    from voc_stream.simulator.world import World

BOOKED_SHARE = 0.6
PARTS_SHARE, BACK_ORDER_SHARE = 0.6, 0.06
NO_ESTIMATE_SHARE = 0.04
WASH_SHARE = 0.85
PROMISE_MARGIN = 1.45
HAND_OVER, WORK_BESIDE = 50 * MINUTE, 90 * MINUTE
"""The time from the inspection to the delivery, and all time but the work from the parts on."""
SCORED_CONTACT_SHARE = 0.3
FAVOURED_ADVISOR_WEIGHTS = (2, 1, 1)
"""The first advisor of a shop looks after half of the customers."""

_DEPARTMENT: dict[Stage, str] = {
    "parts": "parts",
    "dispatch": "workshop",
    "work": "workshop",
    "inspection": "workshop",
    "wash": "workshop",
}


def visit(world: World) -> Iterator[float]:
    """A customer books or comes, and takes the car home when the workshop has done its work."""
    journey = _arrive(world)
    if journey.booked:
        yield from _stage(world, journey, "appointment", journey.minutes_to_book * MINUTE)
        yield world.random.uniform(0.05 * DAY, 1.0 * DAY)
    journey.attitude = world.attitude(
        journey.shop.site_id, journey.shop.friendliness, journey.advisor
    )
    yield from _receive(world, journey)
    yield from _repair(world, journey)
    yield from _hand_over(world, journey)
    journey.customer.in_shop = False
    world.start(call_back(world, journey))
    world.start(may_complain(world, journey), after=world.random.uniform(0.05 * DAY, 1.0 * DAY))


def _arrive(world: World) -> Journey:
    customer = world.customers.next_visitor()
    customer.in_shop = True
    advisor = world.random.choices(customer.shop.advisors, FAVOURED_ADVISOR_WEIGHTS)[0]
    if not customer.introduced:
        customer.introduced = True
        world.emit(
            Customer,
            customer_id=customer.customer_id,
            site_id=customer.shop.site_id,
            change="profile",
            segment=customer.segment,
            region=customer.shop.region,
            annual_value=customer.annual_value,
            lifecycle_stage=customer.lifecycle_stage,
        )
    return Journey(
        order_id=world.next_id("R"),
        journey_id=world.next_id("J"),
        customer=customer,
        shop=customer.shop,
        advisor=advisor,
        attitude=0.0,
        booked=world.chance(BOOKED_SHARE),
    )


def _receive(world: World, journey: Journey) -> Iterator[float]:
    """Run reception, diagnosis, estimate and promise."""
    waiting = world.around((8 if journey.booked else 16) * MINUTE * journey.shop.slowness)
    journey.wait_minutes = waiting / MINUTE
    yield from _stage(world, journey, "reception", waiting)
    _score(world, journey, "reception_wait", channel="kiosk")
    yield from _stage(
        world,
        journey,
        "diagnosis",
        world.around(25 * MINUTE * journey.shop.slowness),
        employee=_technician(world, journey),
    )
    journey.refreshments = world.chance(0.9 + 0.3 * min(0.0, journey.shop.comfort))


def _repair(world: World, journey: Journey) -> Iterator[float]:
    """Run the visit from the estimate to the inspection.

    The plan makes the promise, and what really happens keeps or breaks it.
    """
    shop, random = journey.shop, world.random
    technician = _technician(world, journey)
    work, parts = (
        random.uniform(30, 180) * MINUTE,
        random.uniform(15, 90) * MINUTE if world.chance(PARTS_SHARE) else 0.0,
    )
    amount = round(300 + work / MINUTE * 6 + parts / MINUTE * 20, 2)
    if not world.chance(NO_ESTIMATE_SHARE):
        journey.estimated_amount = amount
        planned = work + parts + 65 * MINUTE
        duration = world.around(10 * MINUTE * shop.slowness)
        journey.promised = world.clock.next_quarter(world.now + duration + planned * PROMISE_MARGIN)
        promised_at = world.clock.moment(journey.promised)
        yield from _stage(
            world, journey, "estimate", duration, promised_at=promised_at, estimated_amount=amount
        )
        _score(world, journey, "explanation", channel="tablet")
    journey.final_amount = round(
        amount * (random.uniform(1.05, 1.4) if world.chance(0.12) else random.uniform(0.95, 1.0)), 2
    )
    if parts:
        back_order = random.uniform(2, 8) * HOUR if world.chance(BACK_ORDER_SHARE) else 0.0
        yield from _stage(
            world,
            journey,
            "parts",
            world.around(parts * shop.slowness) + back_order,
            employee=shop.parts_clerk,
            still_needed=work * shop.slowness + WORK_BESIDE,
        )
    yield from _stage(world, journey, "dispatch", world.around(12 * MINUTE * shop.slowness))
    _score(world, journey, "lounge_comfort", channel="app")
    yield from _stage(
        world, journey, "work", world.around(work * shop.slowness), employee=technician
    )
    yield from _stage(
        world,
        journey,
        "inspection",
        world.around(12 * MINUTE * shop.slowness),
        employee=_technician(world, journey),
        still_needed=HAND_OVER,
    )
    if world.chance(shop.rework_share):
        journey.reworked = True
        yield from _stage(
            world, journey, "work", world.around(0.5 * work * shop.slowness), employee=technician
        )
        yield from _stage(
            world,
            journey,
            "inspection",
            world.around(10 * MINUTE * shop.slowness),
            employee=_technician(world, journey),
        )
    journey.work_completed = not world.chance(0.02 + 0.3 * shop.rework_share)


def _hand_over(world: World, journey: Journey) -> Iterator[float]:
    """Run wash, settlement and delivery."""
    shop = journey.shop
    journey.washed = world.chance(WASH_SHARE)
    if journey.washed:
        yield from _stage(
            world, journey, "wash", world.around(15 * MINUTE * shop.slowness), employee=shop.washer
        )
    yield from _stage(
        world,
        journey,
        "settlement",
        world.around(8 * MINUTE * shop.slowness),
        final_amount=journey.final_amount,
    )
    _score(world, journey, "fair_charge", channel="terminal")
    yield from _stage(world, journey, "delivery", world.around(10 * MINUTE * shop.slowness))
    journey.delivered = world.now
    # As the tables will see it: to the millisecond of the events.
    journey.late = journey.promised is not None and world.clock.posix(
        journey.delivered
    ) > world.clock.posix(journey.promised)
    journey.inspection_invited = world.chance(min(1.0, 0.9 + 0.15 * min(0.0, journey.attitude)))
    journey.advice_given = world.chance(min(1.0, 0.9 + 0.15 * min(0.0, journey.attitude)))
    _score(world, journey, "advisor_service", channel="terminal")


def _stage(
    world: World,
    journey: Journey,
    stage: Stage,
    duration: float,
    *,
    employee: str | None = None,
    still_needed: float | None = None,
    **at_exit: Any,
) -> Iterator[float]:
    """Enter a stage after a short while, spend working seconds in it, and leave it.

    `at_exit` are fields of the exit. With `still_needed`, the working seconds from there to the
    delivery, a promise that cannot be kept may be moved there.
    """
    yield world.random.uniform(1, 5) * MINUTE
    _step(world, journey, stage, "enter", employee)
    yield duration
    if still_needed is not None:
        at_exit |= _promised_again(world, journey, still_needed)
    _step(world, journey, stage, "exit", employee, **at_exit)


def _promised_again(world: World, journey: Journey, still_needed: float) -> dict[str, Any]:
    """Another promise, if what was promised latest cannot be kept and the advisor tells."""
    promised = journey.promised_again or journey.promised
    if promised is None or world.now + still_needed <= promised or not journey.is_told_of_delays:
        return {}
    journey.promised_again = world.clock.next_quarter(world.now + still_needed)
    return {"promised_at": world.clock.moment(journey.promised_again)}


def _step(
    world: World, journey: Journey, stage: Stage, edge: Edge, employee: str | None, **fields: Any
) -> None:
    world.emit(
        RepairStep,
        customer_id=journey.customer.customer_id,
        site_id=journey.shop.site_id,
        department=_DEPARTMENT.get(stage, "service"),
        employee_id=employee or journey.advisor.employee_id,
        product=journey.customer.product,
        order_id=journey.order_id,
        stage=stage,
        edge=edge,
        **fields,
    )


def _score(world: World, journey: Journey, experience: str, channel: str) -> None:
    """Let some customers touch a smiley, a tablet or the app on the way."""
    if not world.chance(SCORED_CONTACT_SHARE):
        return
    world.emit(
        Touchpoint,
        customer_id=journey.customer.customer_id,
        site_id=journey.shop.site_id,
        department="service",
        employee_id=journey.advisor.employee_id,
        product=journey.customer.product,
        channel=channel,
        order_id=journey.order_id,
        journey_id=journey.journey_id,
        experience=experience,
        score=journey.score(experience, world.random, decimals=1),
    )


def _technician(world: World, journey: Journey) -> str:
    return world.random.choice(journey.shop.technicians)
