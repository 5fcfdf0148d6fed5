"""Simulates the attempts to reach a customer by telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.simulator.world import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from voc_stream.events.types.fields import Outcome
    from voc_stream.simulator.world import World

ATTEMPTS = 3
OUTCOMES: dict[Outcome, int] = {"completed": 60, "no_answer": 32, "refused": 8}


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
