"""Simulates a visit of any trade: an order through all stages, and the call afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voc_stream.events.types import Answer, Callback, Customer, RepairStep, Touchpoint
from voc_stream.simulator.any_trade.stay import Stay
from voc_stream.simulator.callback import EXPECTATION_SHARE, TEXT_SHARE, attempts
from voc_stream.simulator.complaint import may_complain
from voc_stream.simulator.phrases import remark
from voc_stream.simulator.repair import FAVOURED_ADVISOR_WEIGHTS, SCORED_CONTACT_SHARE
from voc_stream.simulator.world import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.events.types.fields import Edge, Outcome
    from voc_stream.simulator.any_trade.trade import Trade
    from voc_stream.simulator.world import World

STAGE_MINUTES = (8, 40)
PROMISE_MARGIN = 1.25
TOLD_SHARE = 0.5
DONE_SHARE = 0.92
OVERRUN_SHARE = 0.15
PRODUCTS = ("basic", "classic", "plus", "premium", "family", "business")
SEGMENTS = {"fleet": "business", "taxi": "member"}
"""Customers are drawn as those of the workshops are; some segments have other names here."""


def visit(world: World, trade: Trade) -> Iterator[float]:
    """Let a customer come, pass all stages, and be called afterwards."""
    stay = _arrive(world, trade)
    yield from _pass_stages(world, stay) if trade.stages else _be_there(world, stay)
    stay.customer.in_shop = False
    world.start(_call_back(world, stay))
    world.start(may_complain(world, stay), after=world.random.uniform(0.05 * DAY, 1.0 * DAY))


def _arrive(world: World, trade: Trade) -> Stay:
    customer = world.customers.next_visitor()
    customer.in_shop = True
    shop = customer.shop
    advisor = world.random.choices(shop.advisors, FAVOURED_ADVISOR_WEIGHTS)[0]
    if not customer.introduced:
        customer.introduced = True
        customer.product = world.random.choice(PRODUCTS)
        world.emit(
            Customer,
            customer_id=customer.customer_id,
            site_id=shop.site_id,
            change="profile",
            segment=SEGMENTS.get(customer.segment, customer.segment),
            region=shop.region,
            annual_value=customer.annual_value,
            lifecycle_stage=customer.lifecycle_stage,
        )
    return Stay(
        trade=trade,
        order_id=world.next_id("R") if trade.stages else None,
        journey_id=world.next_id("J"),
        customer=customer,
        shop=shop,
        advisor=advisor,
        attitude=world.attitude(shop.site_id, shop.friendliness, advisor),
        done={item: world.chance(DONE_SHARE) for item in trade.process_items},
    )


def _be_there(world: World, stay: Stay) -> Iterator[float]:
    """Run a visit without an order."""
    yield world.random.uniform(*STAGE_MINUTES) * MINUTE
    _score(world, stay, None)
    stay.delivered = world.now


def _pass_stages(world: World, stay: Stay) -> Iterator[float]:
    """Run all stages until the delivery.

    The first stage makes the promise, and the last but one states the final amount.
    """
    random, stages = world.random, stay.trade.stages
    planned = {stage: random.uniform(*STAGE_MINUTES) * MINUTE for stage in stages}
    amount = round(random.uniform(50, 900), 2)
    overrun = random.uniform(1.05, 1.4) if world.chance(OVERRUN_SHARE) else 1.0
    latest = None
    for place, stage in enumerate(stages):
        yield random.uniform(1, 5) * MINUTE
        _step(world, stay, stage, "enter")
        yield world.around(planned[stage] * stay.shop.slowness)
        said: dict[str, Any] = {}
        needed = sum(planned[each] + 3 * MINUTE for each in stages[place + 1 :])
        if place == 0:
            latest = stay.promised = world.clock.next_quarter(world.now + PROMISE_MARGIN * needed)
            said = {"estimated_amount": amount, "promised_at": world.clock.moment(stay.promised)}
        elif latest is not None and world.now + needed > latest and world.chance(TOLD_SHARE):
            latest = world.clock.next_quarter(world.now + needed)
            said = {"promised_at": world.clock.moment(latest)}
        if place == max(0, len(stages) - 2):
            said["final_amount"] = stay.final_amount = round(amount * overrun, 2)
        _step(world, stay, stage, "exit", **said)
        _score(world, stay, stage)
    stay.delivered = world.now
    stay.late = stay.promised is not None and world.clock.posix(world.now) > world.clock.posix(
        stay.promised
    )


def _call_back(world: World, stay: Stay) -> Iterator[float]:
    """Try up to three times, from about a day after the visit."""
    yield world.random.uniform(0.7, 2.6) * DAY
    _follow_up(world, stay, "enter")

    def call(outcome: Outcome) -> None:
        said = _interview(world, stay) if outcome == "completed" else {}
        _call(world, stay, outcome, **said)

    if (yield from attempts(world, call)):
        yield MINUTE
        _follow_up(world, stay, "exit")


def _interview(world: World, stay: Stay) -> dict[str, Any]:
    random = world.random
    states = world.chance(EXPECTATION_SHARE)
    answers = [
        Answer(
            item=item,
            score=stay.score(item, random),
            expectation=float(random.randint(7, 10)) if states else None,
            importance=float(random.randint(6, 10)) if states else None,
        )
        for item in stay.trade.ratings
    ]
    answers += [Answer(item=item, done=done) for item, done in stay.done.items()]
    return {
        "answers": answers,
        "recommend": round(stay.score("recommend", random)),
        "effort": stay.score("effort", random),
        "mode": "web" if world.chance(0.2) else "phone",
        "text": remark(random, None, content=not stay.late) if world.chance(TEXT_SHARE) else None,
    }


def _score(world: World, stay: Stay, stage: str | None) -> None:
    """Let some customers score on the way what a stage is about."""
    about = [item for item, where in stay.trade.ratings.items() if where == stage]
    if not about or not world.chance(SCORED_CONTACT_SHARE):
        return
    experience = world.random.choice(about)
    score = stay.score(experience, world.random, decimals=1)
    world.emit(Touchpoint, channel="app", experience=experience, score=score, **_common(stay))


def _step(world: World, stay: Stay, stage: str, edge: Edge, **fields: Any) -> None:
    world.emit(RepairStep, stage=stage, edge=edge, **_common(stay), **fields)


def _follow_up(world: World, stay: Stay, edge: Edge) -> None:
    if stay.trade.follow_up is not None:
        _step(world, stay, stay.trade.follow_up, edge)


def _call(world: World, stay: Stay, outcome: Outcome, **said: Any) -> None:
    world.emit(Callback, channel="call_centre", outcome=outcome, **_common(stay), **said)


def _common(stay: Stay) -> dict[str, Any]:
    return {
        "customer_id": stay.customer.customer_id,
        "site_id": stay.shop.site_id,
        "department": "service",
        "employee_id": stay.advisor.employee_id,
        "product": stay.customer.product,
        "order_id": stay.order_id,
        "journey_id": stay.journey_id,
    }
