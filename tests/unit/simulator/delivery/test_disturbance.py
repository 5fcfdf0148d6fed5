from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from voc_stream.events.types import Customer
from voc_stream.simulator.delivery.disturbance import DisturbedChannel
from voc_stream.simulator.options import Noise

if TYPE_CHECKING:
    from voc_stream.simulator.delivery.message import SimulatedMessage

MOMENT = datetime(2025, 3, 1, tzinfo=UTC)
EVENT = Customer(event_id="e-1", occurred_at=MOMENT, customer_id="c-1", change="profile")
QUIET = Noise(
    duplicate_share=0, late_share=0, broken_share=0, retracted_share=0, conflicting_share=0
)


def _sent(**shares: float) -> list[SimulatedMessage]:
    channel = DisturbedChannel(replace(QUIET, **shares), "seed")  # type: ignore[arg-type]  # only shares are given
    channel.put(EVENT)
    return list(channel.sent_by(MOMENT + timedelta(days=1)))


def test_without_noise_an_event_is_sent_once_and_at_once() -> None:
    """No share, no disturbance."""
    assert [(message.kind, message.sent_at) for message in _sent()] == [("valid", MOMENT)]


def test_a_duplicate_is_the_same_bytes_later() -> None:
    """A repeated event has the same bytes, key and topic, and is sent after the first."""
    first, second = _sent(duplicate_share=1.0)
    assert (first.kind, second.kind) == ("valid", "duplicate")
    assert (first.topic, first.key, first.value) == (second.topic, second.key, second.value)
    assert first.sent_at < second.sent_at


def test_a_late_message_is_sent_within_its_range() -> None:
    """A late event is sent minutes to hours after it occurred."""
    (message,) = _sent(late_share=1.0)
    assert message.kind == "late"
    assert timedelta(minutes=1) <= message.sent_at - message.occurred_at <= timedelta(hours=4)


def test_a_late_event_is_repeated_after_its_first_sending() -> None:
    """The copy of a late message comes later still."""
    assert [message.kind for message in _sent(late_share=1.0, duplicate_share=1.0)] == [
        "late",
        "duplicate",
    ]


def test_broken_messages_replace_no_event() -> None:
    """A broken message is sent beside the event, of the same customer."""
    event, broken = _sent(broken_share=1.0)
    assert event.kind == "valid"
    assert broken.kind.startswith("broken:")
    assert broken.key == b"c-1"


def test_an_event_is_taken_back_after_it_was_sent() -> None:
    """The retraction names the event, late or not.

    It goes to the topic of retractions under a key of its own.
    """
    event, retraction = _sent(late_share=1.0, retracted_share=1.0)
    named = json.loads(retraction.value or b"")
    assert (retraction.kind, retraction.topic, retraction.key) == (
        "retraction",
        "retractions",
        named["event_id"].encode(),
    )
    assert (named["type"], named["event_ids"]) == ("retraction", ["e-1"])
    assert event.sent_at < retraction.sent_at


def test_a_conflict_follows_the_event_whose_id_it_has() -> None:
    """The same id, topic and key with other content: whatever counts, it is the first."""
    event, conflict = _sent(conflicting_share=1.0)
    assert (conflict.kind, conflict.topic, conflict.key) == ("conflicting", event.topic, event.key)
    first, second = (json.loads(message.value or b"") for message in (event, conflict))
    assert (first["event_id"], first == second) == (second["event_id"], False)
    assert event.sent_at < conflict.sent_at


def test_second_thoughts_change_no_other_message() -> None:
    """With the same seed the same messages are sent, at the same moments."""
    usual = _sent(duplicate_share=1.0, late_share=1.0, broken_share=1.0)
    assert [
        each
        for each in _sent(
            duplicate_share=1.0, late_share=1.0, broken_share=1.0, retracted_share=1.0
        )
        if each in usual
    ] == usual


def test_what_is_not_due_waits() -> None:
    """Only what is sent by the given moment is given, and each message once."""
    channel = DisturbedChannel(QUIET, "seed")
    channel.put(EVENT)
    assert list(channel.sent_by(MOMENT - timedelta(milliseconds=1))) == []
    assert len(list(channel.sent_by(MOMENT))) == 1
    assert list(channel.sent_by(MOMENT)) == []
