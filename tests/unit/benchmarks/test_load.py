from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.load import Load, changed, messages

from voc_stream.catalogue.load import load_catalogue
from voc_stream.events.decode import Refusal, decode

START = datetime(2026, 1, 5, tzinfo=UTC)


def bodies(load: Load) -> list[dict[str, object]]:
    return [json.loads(message.value or b"") for message in messages(load, START, 0.001)]


def test_a_plain_load_is_the_mix() -> None:
    """Without wishes, an event keeps its length and its moment."""
    assert all("padding" not in body for body in bodies(Load(events=50, customers=100)))


@pytest.mark.parametrize("event_bytes", [600, 5_000, 200_000])
def test_events_are_as_long_as_asked(event_bytes: int) -> None:
    """A shorter message gets exactly what is missing, and stays a valid event.

    If the field's name fits.
    """
    catalogue = load_catalogue()
    plain, padded = (
        messages(Load(events=20, customers=100, event_bytes=size), START, 0.001)
        for size in (0, event_bytes)
    )
    for before, after in zip(plain, padded, strict=True):
        value = after.value or b""
        assert len(value) == event_bytes or (
            value == before.value and len(value) > event_bytes - 14
        )
        assert not isinstance(decode(value, START + timedelta(days=1), catalogue), Refusal)


def test_a_longer_message_is_left_alone() -> None:
    """`event_bytes` never cuts."""
    assert changed(b'{"event_id":"a"}', 0.0, 4) == b'{"event_id":"a"}'


def test_so_many_events_are_late() -> None:
    """About the wished share occurred earlier than they were sent, by at most thirty days.

    The others did not move.
    """
    plain, late = (
        bodies(Load(events=2_000, customers=100, late_share=share)) for share in (0.0, 0.3)
    )
    moved = [
        datetime.fromisoformat(str(before["occurred_at"]))
        - datetime.fromisoformat(str(after["occurred_at"]))
        for before, after in zip(plain, late, strict=True)
        if before["occurred_at"] != after["occurred_at"]
    ]
    assert len(moved) == pytest.approx(600, rel=0.15)
    assert timedelta(minutes=1) <= min(moved) <= max(moved) <= timedelta(days=30)


def test_a_repeated_event_is_repeated_byte_by_byte() -> None:
    """What makes an event late or long depends on nothing but its bytes.

    Otherwise a repetition would be another event.
    """
    load = Load(events=2_000, customers=100, duplicate_share=0.3, late_share=0.5, event_bytes=500)
    values = [message.value or b"" for message in messages(load, START, 0.001)]
    by_id: dict[str, set[bytes]] = {}
    for value in values:
        by_id.setdefault(json.loads(value)["event_id"], set()).add(value)
    assert len(by_id) == pytest.approx(1_400, rel=0.1)
    assert all(len(alike) == 1 for alike in by_id.values())
