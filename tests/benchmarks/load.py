"""What a benchmark sends.

The mix of the simulator, made longer, later or more repetitive where a benchmark asks for it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from zlib import crc32

from voc_stream.simulator.load.benchmark_mix import benchmark_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.simulator.delivery.message import SimulatedMessage

LATEST_MINUTES = 30 * 24 * 60
"""A late event occurred up to thirty days before."""
MOMENT_LENGTH = len("2026-01-05T12:00:00.000Z")
_OCCURRED_AT = b'"occurred_at":"'
_PADDING_START, _PADDING_END = b',"padding":"', b'"}'
# Hexadecimal digits, so that compression and TOAST find half of it to save, as in text; not the
# nothing that equal letters leave.
_FILLER = Random(1).randbytes(64 * 1024).hex().encode()


@dataclass(frozen=True, kw_only=True)
class Load:
    """A load.

    Attributes:
        events: messages, repeated ones included.
        customers: among how many customers the events are drawn.
        sites: among how many sites the events are drawn.
        event_bytes: messages shorter than that, by more than the field's name, get a field that
            nobody knows; 0 leaves them as they are.
        duplicate_share: share of the messages (0-1) that repeat one of the last thousand.
        late_share: share of the events (0-1) that occurred up to thirty days before they are sent.
        seed: of all randomness; loads for the same tables need different ones.
    """

    events: int = 800_000
    customers: int = 1_000_000
    sites: int = 300
    event_bytes: int = 0
    duplicate_share: float = 0.0
    late_share: float = 0.0
    seed: int = 1


def messages(load: Load, start: datetime, interval_seconds: float) -> Iterator[SimulatedMessage]:
    """The messages in the order of sending.

    They occur so far apart from `start` on, but for the late ones.
    """
    mix = benchmark_events(
        count=load.events,
        seed=load.seed,
        start=start,
        customers=load.customers,
        sites=load.sites,
        duplicate_share=load.duplicate_share,
        interval_seconds=interval_seconds,
    )
    if not load.late_share and not load.event_bytes:
        return mix
    return (
        message._replace(value=changed(message.value or b"", load.late_share, load.event_bytes))
        for message in mix
    )


def changed(value: bytes, late_share: float, event_bytes: int) -> bytes:
    """A message made late and long.

    The same bytes give the same bytes, so that a repeated message stays a repetition.
    """
    chance = crc32(value)
    if chance / 2**32 < late_share:
        begin = value.index(_OCCURRED_AT) + len(_OCCURRED_AT)
        occurred_at = datetime.fromisoformat(value[begin : begin + MOMENT_LENGTH].decode())
        late = occurred_at - timedelta(minutes=1 + chance % LATEST_MINUTES)
        moment = f"{late.isoformat(timespec='milliseconds')[:-6]}Z".encode()
        value = value[:begin] + moment + value[begin + MOMENT_LENGTH :]
    missing = event_bytes - len(value) - len(_PADDING_START) - len(_PADDING_END) + 1
    if missing > 0:
        place = chance % len(_FILLER)
        filler = (_FILLER[place:] + _FILLER * (1 + missing // len(_FILLER)))[:missing]
        value = value[:-1] + _PADDING_START + filler + _PADDING_END
    return value
