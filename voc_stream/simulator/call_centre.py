"""Simulates a believable stretch of days of the call centre, as one stream of messages.

It begins with a history, and goes on with the live part.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.simulator.delivery.disturbance import DisturbedChannel
from voc_stream.simulator.repair import visit
from voc_stream.simulator.world import DAY, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voc_stream.simulator.delivery.message import SimulatedMessage
    from voc_stream.simulator.options import SimulationOptions

WARM_UP_DAYS = 3.0
"""How long before the start visits begin as often as later.

The live part then starts at its rate.
"""


class Play(NamedTuple):
    """A story.

    Attributes:
        visit: the process of one visit, and all that follows from it.
        events_per_visit: measured; a test compares the rate that follows from it.
    """

    visit: Callable[[World], Iterator[float]]
    events_per_visit: float


WORKSHOPS = Play(visit, 25.6)


def simulate(options: SimulationOptions, play: Play = WORKSHOPS) -> Iterator[SimulatedMessage]:
    """Yield messages in order of sending.

    The history first, then those of the live part, for ever unless `duration_seconds` ends it.

    In the live part `sent_at` is the moment to send; `occurred_at` is the same but for late and
    repeated messages. What would be sent after the end is left out.
    """
    warm_up = (
        min(WARM_UP_DAYS, options.history_days) * DAY if options.duration_seconds != 0 else 0.0
    )
    early_days = options.early_days if options.history_days else 0.0
    world = World(options, begin=-(options.history_days + early_days) * DAY)
    channel = DisturbedChannel(options.noise, f"{options.seed} {options.start.isoformat()}")
    world.start(_arrivals(world, options, play, warm_up))
    end = (
        None
        if options.duration_seconds is None
        else options.start + timedelta(seconds=options.duration_seconds)
    )
    while (events := world.step()) is not None:
        now = world.clock.moment(world.now)
        if end is not None and now > end:
            break
        for event in events:
            channel.put(event)
        yield from channel.sent_by(now)
    if end is not None:
        yield from channel.sent_by(end)


def _arrivals(
    world: World, options: SimulationOptions, play: Play, warm_up: float
) -> Iterator[float]:
    """Customers come at even random intervals; how often depends on the part of the story."""

    def per_second(events: float, days: float) -> float:
        return events / play.events_per_visit / (days * DAY) if days else 0.0

    early = per_second(options.early_events, options.early_days if options.history_days else 0.0)
    history = per_second(options.history_events, options.history_days)
    live = options.rate_per_second / options.speed / play.events_per_visit
    parts = ((early, -options.history_days * DAY), (history, -warm_up), (live, math.inf))
    for visits_per_second, until in parts:
        while world.now < until:
            if visits_per_second:
                world.start(play.visit(world))
            wait = (
                world.random.uniform(0.5, 1.5) / visits_per_second
                if visits_per_second
                else math.inf
            )
            yield min(wait, until - world.now)
