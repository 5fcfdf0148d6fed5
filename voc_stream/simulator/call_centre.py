"""Simulates a believable stretch of days of the call centre, as one stream of messages.

It begins with a history, and goes on with the live part.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.simulator.delivery.disturbance import DisturbedChannel
from voc_stream.simulator.repair import visit
from voc_stream.simulator.world import DAY, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.simulator.delivery.message import SimulatedMessage
    from voc_stream.simulator.options import SimulationOptions

EVENTS_PER_VISIT = 25.6
"""How many events a visit gives; measured, and a test compares the rate that follows from it."""
WARM_UP_DAYS = 3.0
"""How long before the start visits begin as often as later.

The live part then starts at its rate.
"""


def simulate(options: SimulationOptions) -> Iterator[SimulatedMessage]:
    """Yield messages in order of sending.

    The history first, then those of the live part, for ever unless `duration_seconds` ends it.

    In the live part `sent_at` is the moment to send; `occurred_at` is the same but for late and
    repeated messages. What would be sent after the end is left out.
    """
    warm_up = (
        min(WARM_UP_DAYS, options.history_days) * DAY if options.duration_seconds != 0 else 0.0
    )
    world = World(options, begin=-options.history_days * DAY)
    channel = DisturbedChannel(options.noise, f"{options.seed} {options.start.isoformat()}")
    world.start(_arrivals(world, options, warm_up))
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


def _arrivals(world: World, options: SimulationOptions, warm_up: float) -> Iterator[float]:
    """Customers come at even random intervals; how often depends on the part of the story."""
    live = options.rate_per_second / options.speed / EVENTS_PER_VISIT
    history = (
        options.history_events / EVENTS_PER_VISIT / (options.history_days * DAY)
        if options.history_days
        else 0.0
    )
    for per_second, until in ((history, -warm_up), (live, math.inf)):
        while world.now < until:
            if per_second:
                world.start(visit(world))
            wait = world.random.uniform(0.5, 1.5) / per_second if per_second else math.inf
            yield min(wait, until - world.now)
