from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from statistics import mean
from typing import TYPE_CHECKING

import pytest

from voc_stream.events.decode import Refusal, decode
from voc_stream.events.types import Callback, Retraction
from voc_stream.simulator.load.benchmark_mix import EMPLOYEES_PER_SITE, benchmark_events

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.simulator.delivery.message import SimulatedMessage

START = datetime(2025, 3, 1, tzinfo=UTC)
COUNT = 20_000


@pytest.fixture(scope="module")
def messages() -> list[SimulatedMessage]:
    """Some of the mix, with repeated events."""
    return list(benchmark_events(COUNT, 1, START, customers=10_000, sites=20, duplicate_share=0.05))


def test_the_mix_is_the_one_of_the_targets(messages: list[SimulatedMessage]) -> None:
    """70 % repair steps, 20 % callbacks, 10 % complaints, 5 % repeated, about 330 bytes."""
    topics = Counter(message.topic for message in messages)
    assert topics["repair-flow"] / COUNT == pytest.approx(0.7, abs=0.02)
    assert topics["callbacks"] / COUNT == pytest.approx(0.2, abs=0.02)
    assert topics["complaints"] / COUNT == pytest.approx(0.1, abs=0.02)
    assert sum(message.kind == "duplicate" for message in messages) / COUNT == pytest.approx(
        0.05, abs=0.01
    )
    assert mean(len(message.value or b"") for message in messages) == pytest.approx(330, abs=20)


def test_every_event_is_valid_and_new(
    messages: list[SimulatedMessage], catalogue: Catalogue
) -> None:
    """All events of the mix are accepted, and it is as rich as asked for.

    Callbacks have nine answers, and ids repeat only in duplicates.
    """
    events = [
        decode(message.value, START, catalogue) for message in messages if message.kind == "valid"
    ]
    accepted = [event for event in events if not isinstance(event, Refusal | Retraction)]
    assert len(accepted) == len(events)
    assert all(len(event.answers) == 9 for event in accepted if isinstance(event, Callback))
    assert len({event.event_id for event in accepted}) == len(accepted)
    assert len({event.site_id for event in accepted}) == 20
    assert len({event.employee_id for event in accepted}) == 20 * EMPLOYEES_PER_SITE


def test_duplicates_are_copies(messages: list[SimulatedMessage]) -> None:
    """A repeated event has the bytes of an earlier one."""
    seen: set[bytes | None] = set()
    for message in messages:
        assert (message.value in seen) == (message.kind == "duplicate")
        seen.add(message.value)


def test_the_same_arguments_give_the_same_bytes() -> None:
    """A benchmark can be repeated."""
    first, second = (
        list(benchmark_events(1000, 1, START, customers=100, sites=3)) for _ in range(2)
    )
    assert first == second
