"""Simulated messages for the end-to-end tests: two weeks of history and the last minutes, so that every horizon holds something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import Noise, SimulationOptions

if TYPE_CHECKING:
    from voc_stream.simulator.message import SimulatedMessage

LIVE_SECONDS = 60.0
LIVE_SHARE = 0.2


def simulated_messages(number: int, seed: int = 1) -> list[SimulatedMessage]:
    """About `number` messages in order of sending; more repeated, late and broken ones than usual, and all of the past."""
    return list(
        simulate(
            SimulationOptions(
                start=datetime.now(UTC) - timedelta(seconds=LIVE_SECONDS + 1),
                seed=seed,
                rate_per_second=number * LIVE_SHARE / LIVE_SECONDS,
                duration_seconds=LIVE_SECONDS,
                history_events=round(number * (1 - LIVE_SHARE)),
                noise=Noise(duplicate_share=0.05, late_share=0.05, broken_share=0.002, late_delay_seconds=(0.5, 4 * 3600.0)),
            )
        )
    )
