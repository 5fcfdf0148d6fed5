"""Simulated messages for the end-to-end tests.

Two weeks of history and the last minutes, so that every horizon holds something.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from builders import message as encoded
from builders import retraction

from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import Noise, SimulationOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from voc_stream.simulator.delivery.message import SimulatedMessage

LIVE_SECONDS = 60.0
LIVE_SHARE = 0.2
TAKEN_BACK_SHARE = 0.03
CONTRADICTED_SHARE = 0.01


def simulated_messages(number: int, seed: int = 1) -> list[SimulatedMessage]:
    """About `number` messages in order of sending.

    More repeated, late and broken ones than usual, and all of the past.
    """
    return list(
        simulate(
            SimulationOptions(
                start=datetime.now(UTC) - timedelta(seconds=LIVE_SECONDS + 1),
                seed=seed,
                rate_per_second=number * LIVE_SHARE / LIVE_SECONDS,
                duration_seconds=LIVE_SECONDS,
                history_events=round(number * (1 - LIVE_SHARE)),
                noise=Noise(
                    duplicate_share=0.05,
                    late_share=0.05,
                    broken_share=0.002,
                    retracted_share=0,  # see with_second_thoughts
                    conflicting_share=0,
                    late_delay_seconds=(0.5, 4 * 3600.0),
                ),
            )
        )
    )


def with_second_thoughts(
    messages: Sequence[SimulatedMessage], random: Random
) -> list[SimulatedMessage]:
    """The messages, some of which are taken back or contradicted.

    A retraction comes before them, after them or twice, and they come again.
    """
    found: list[tuple[float, SimulatedMessage]] = [
        (float(place), message) for place, message in enumerate(messages)
    ]

    def later(place: float) -> float:
        return random.uniform(place + 0.1, len(messages))

    valid = [(place, message) for place, message in found if message.kind in ("valid", "late")]
    for place, message in random.sample(valid, round(TAKEN_BACK_SHARE * len(valid))):
        event_id = json.loads(message.value or b"")["event_id"]
        for number in range(random.choice([1, 1, 2])):
            value = encoded(
                retraction(
                    f"back-{event_id}-{number}",
                    event_id,
                    occurred_at=message.occurred_at.isoformat(),
                )
            )
            found.append(
                (
                    random.uniform(0, len(messages)),
                    message._replace(topic="retractions", value=value, kind="retraction"),
                )
            )
        if random.random() < 0.5:
            found.append((later(place), message._replace(kind="duplicate")))
    for place, message in random.sample(valid, round(CONTRADICTED_SHARE * len(valid))):
        value = (message.value or b"")[:-1] + b',"contradicts":true}'
        found.append((later(place), message._replace(value=value, kind="conflicting")))
    return [message for _, message in sorted(found, key=lambda one: one[0])]
