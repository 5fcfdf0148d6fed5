"""Simulates callbacks after a delivery, which the customer answers as the visit was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voc_stream.events.types import Answer, Callback, RepairStep
from voc_stream.simulator.journey import RATINGS
from voc_stream.simulator.network import AGENTS
from voc_stream.simulator.phrases import remark
from voc_stream.simulator.world import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from voc_stream.events.types.fields import Edge, Outcome
    from voc_stream.simulator.journey import Journey
    from voc_stream.simulator.world import World

ATTEMPTS = 3
OUTCOMES: dict[Outcome, int] = {"completed": 60, "no_answer": 32, "refused": 8}
FOLLOW_UP_SECONDS = 72 * 3600
PROCESS_ITEMS = (
    "appointment_offered",
    "cost_estimated",
    "time_estimated",
    "lounge_refreshments",
    "inspection_invited",
    "advice_given",
    "delivered_on_time",
    "work_completed",
    "followed_up",
)
PATIENCE_SHARE = 0.92
"""The share of the ratings that a customer who answers gives."""
EXPECTATION_SHARE = 0.2
TEXT_SHARE = 0.35
WEB_SHARE = 0.2
EXPECTED = 8.5
CONTENT_SCORE = 8


def call_back(world: World, journey: Journey) -> Iterator[float]:
    """Try up to three times, from about a day after the delivery.

    Slow shops hand their lists in late.
    """
    yield world.random.uniform(0.7, 2.6) * DAY * max(1.0, journey.shop.slowness)
    agent = world.random.choice(AGENTS)
    _follow_up(world, journey, agent, "enter")

    def call(outcome: Outcome) -> None:
        said = _interview(world, journey) if outcome == "completed" else {}
        _emit_call(world, journey, outcome, **said)

    if (yield from attempts(world, call)):
        yield MINUTE
        _follow_up(world, journey, agent, "exit")


def attempts(world: World, call: Callable[[Outcome], None]) -> Generator[float, None, bool]:
    """Try up to three times, until the customer answers or refuses; whether the customer answered.

    `call` tells of an attempt with its outcome.
    """
    for _ in range(ATTEMPTS):
        yield world.around(4 * MINUTE)
        outcome = world.random.choices(tuple(OUTCOMES), tuple(OUTCOMES.values()))[0]
        call(outcome)
        if outcome != "no_answer":
            return outcome == "completed"
        yield world.random.uniform(0.2, 0.7) * DAY
    return False


def _interview(world: World, journey: Journey) -> dict[str, Any]:
    """The answers; each follows from what happened."""
    random = world.random
    states_expectation = world.chance(EXPECTATION_SHARE)
    scores = {
        item: journey.score(item, random)
        for item in RATINGS
        if item == "overall" or world.chance(PATIENCE_SHARE)
    }
    answers = [
        Answer(
            item=item,
            score=score,
            expectation=float(min(10, max(5, round(random.gauss(EXPECTED, 0.8)))))
            if states_expectation
            else None,
            importance=float(random.randint(6, 10)) if states_expectation else None,
        )
        for item, score in scores.items()
    ]
    answers += [
        Answer(item=item, done=done)
        for item, done in _process_items(world, journey).items()
        if done is not None
    ]
    overall = scores["overall"]
    said: dict[str, Any] = {
        "answers": answers,
        "recommend": min(10, max(0, round(overall - 0.3 + random.gauss(0.0, 0.8)))),
        "mode": "web" if world.chance(WEB_SHARE) else "phone",
    }
    if world.chance(0.5):
        said["effort"] = float(min(10, max(0, round(overall - 0.5 + random.gauss(0.0, 1.0)))))
    if world.chance(TEXT_SHARE):
        said["text"] = remark(random, journey.worst(), content=overall >= CONTENT_SCORE)
    return said


def _process_items(world: World, journey: Journey) -> dict[str, bool | None]:
    """What was done, None if there is nothing to say."""
    if journey.delivered is None:
        raise ValueError(f"order {journey.order_id} is called back before it was delivered")
    estimated = journey.estimated_amount is not None
    since_delivery = world.clock.posix(world.now) - world.clock.posix(journey.delivered)
    return {
        "appointment_offered": journey.booked or world.chance(0.6),
        "cost_estimated": estimated,
        "time_estimated": estimated,
        "lounge_refreshments": journey.refreshments,
        "inspection_invited": journey.inspection_invited,
        "advice_given": journey.advice_given,
        "delivered_on_time": None if journey.promised is None else not journey.late,
        "work_completed": journey.work_completed,
        "followed_up": since_delivery <= FOLLOW_UP_SECONDS,
    }


def _emit_call(world: World, journey: Journey, outcome: Outcome, **said: Any) -> None:
    # The employee is the advisor whom the answers judge, not the agent who asks.
    world.emit(
        Callback,
        customer_id=journey.customer.customer_id,
        site_id=journey.shop.site_id,
        department="service",
        employee_id=journey.advisor.employee_id,
        product=journey.customer.product,
        channel="call_centre",
        order_id=journey.order_id,
        journey_id=journey.journey_id,
        outcome=outcome,
        **said,
    )


def _follow_up(world: World, journey: Journey, agent: str, edge: Edge) -> None:
    world.emit(
        RepairStep,
        customer_id=journey.customer.customer_id,
        site_id=journey.shop.site_id,
        department="call_centre",
        employee_id=agent,
        product=journey.customer.product,
        order_id=journey.order_id,
        stage="follow_up",
        edge=edge,
    )
