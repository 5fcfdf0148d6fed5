"""A long story, told once for all tests of the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from voc_stream.events.types import AnyEvent
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import Noise, SimulationOptions

if TYPE_CHECKING:
    from voc_stream.simulator.delivery.message import SimulatedMessage

START = datetime(2025, 3, 1, 5, 30, tzinfo=UTC)
LATEST = timedelta(hours=5)


@pytest.fixture(scope="session")
def messages() -> list[SimulatedMessage]:
    """Sixty days of history, ended by the start, with much noise and no declining shop."""
    noise = Noise(duplicate_share=0.05, late_share=0.04, broken_share=0.01)
    options = SimulationOptions(
        start=START,
        seed=7,
        duration_seconds=0,
        history_days=60,
        history_events=60_000,
        decline=None,
        noise=noise,
    )
    return list(simulate(options))


@pytest.fixture(scope="session")
def story(messages: list[SimulatedMessage]) -> list[AnyEvent]:
    """The events of these messages, each once, in order of occurrence, but for the last hours.

    Late messages of those are not sent yet.
    """
    decoder = msgspec.json.Decoder(AnyEvent)
    events = [
        decoder.decode(message.value)
        for message in messages
        if message.value and message.kind in ("valid", "late")
    ]
    return sorted(
        (event for event in events if event.occurred_at < START - LATEST),
        key=lambda event: event.occurred_at,
    )
