from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from voc_stream.events.decode import Refusal, decode
from voc_stream.events.types import AnyEvent, Retraction, Touchpoint
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import Noise, SimulationOptions

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.simulator.delivery.message import SimulatedMessage

START = datetime(2025, 3, 1, 5, 30, tzinfo=UTC)
QUIET = Noise(
    duplicate_share=0, late_share=0, broken_share=0, retracted_share=0, conflicting_share=0
)
LIVE = SimulationOptions(
    start=START, seed=3, rate_per_second=40, duration_seconds=300, history_events=500
)


def test_the_same_options_give_the_same_messages() -> None:
    """A seed and a start make a run repeatable, bytes, order and noise included."""
    assert list(itertools.islice(simulate(LIVE), 8000)) == list(
        itertools.islice(simulate(LIVE), 8000)
    )


def test_another_seed_gives_another_story() -> None:
    """Two runs share no event, so that both may go to the same tables."""
    first, second = (
        {message.value for message in itertools.islice(simulate(replace(LIVE, seed=seed)), 500)}
        for seed in (1, 2)
    )
    assert not first & second


def test_every_sound_message_is_an_event(
    messages: list[SimulatedMessage], catalogue: Catalogue
) -> None:
    """What is called valid, late or duplicate is accepted.

    Items of the default catalogue included.
    """
    sound = [message for message in messages if not message.kind.startswith("broken")]
    refusals = [
        found
        for message in sound
        if isinstance(found := decode(message.value, START, catalogue), Refusal)
    ]
    assert refusals == []


def test_every_broken_message_is_refused_for_its_reason(
    messages: list[SimulatedMessage], catalogue: Catalogue
) -> None:
    """The kind of a broken message names the reason code of the dead letter."""
    broken = [message for message in messages if message.kind.startswith("broken")]
    for message in broken:
        refusal = decode(message.value, START, catalogue)
        assert isinstance(refusal, Refusal)
        assert message.kind == f"broken:{refusal.reason}"
    assert broken


def test_key_and_topic_follow_from_the_event(
    messages: list[SimulatedMessage], catalogue: Catalogue
) -> None:
    """The key is the customer, and touchpoints go to their topic."""
    for message in messages[:3000]:
        event = decode(message.value, START, catalogue)
        if not isinstance(event, Refusal | Retraction):
            assert message.key == event.customer_id.encode()
            assert (message.topic == "touchpoints") == isinstance(event, Touchpoint)


def test_shares_of_noise(messages: list[SimulatedMessage]) -> None:
    """Duplicates, late and broken messages come in the shares asked for."""
    counts = Counter(message.kind.partition(":")[0] for message in messages)
    events = counts["valid"] + counts["late"]
    assert counts["duplicate"] / events == pytest.approx(0.05, rel=0.15)
    assert counts["late"] / events == pytest.approx(0.04, rel=0.15)
    assert counts["broken"] / events == pytest.approx(0.01, rel=0.25)


def test_messages_come_in_order_of_sending() -> None:
    """Nothing is sent before it occurs, and the generator never goes back in time."""
    sent = list(simulate(LIVE))
    assert all(message.occurred_at <= message.sent_at for message in sent)
    assert all(earlier.sent_at <= later.sent_at for earlier, later in itertools.pairwise(sent))


def test_events_occur_once_with_their_own_id(story: list[AnyEvent]) -> None:
    """An event id names one event."""
    assert len({event.event_id for event in story}) == len(story)


def test_noise_does_not_change_what_happens() -> None:
    """Without noise the same events happen."""
    with_noise = [message.value for message in simulate(LIVE) if message.kind == "valid"]
    without = {message.value for message in simulate(replace(LIVE, noise=QUIET))}
    assert len(with_noise) > 5000
    assert without.issuperset(with_noise)


@pytest.mark.parametrize("rate", [5.0, 40.0])
def test_live_rate(rate: float) -> None:
    """The live part has about `rate_per_second` events, from its first minute on."""
    options = SimulationOptions(
        start=START, seed=3, rate_per_second=rate, duration_seconds=900, noise=QUIET
    )
    live = [message for message in simulate(options) if message.occurred_at >= START]
    first = [message for message in live if message.occurred_at < START + timedelta(seconds=120)]
    assert len(live) / 900 == pytest.approx(rate, rel=0.1)
    assert len(first) / 120 == pytest.approx(rate, rel=0.3)


def test_history_has_about_the_events_asked_for(messages: list[SimulatedMessage]) -> None:
    """The history reaches back `history_days` and no further, and holds about `history_events`."""
    moments = [message.occurred_at for message in messages if message.kind in ("valid", "late")]
    assert min(moments) >= START - timedelta(days=60, hours=10)
    assert max(moments) <= START
    assert len(moments) == pytest.approx(60_000, rel=0.1)


def test_without_history_nothing_lies_in_the_past() -> None:
    """No history is no event before the start."""
    options = replace(LIVE, history_days=0, duration_seconds=60)
    assert min(message.occurred_at for message in simulate(options)) >= START
