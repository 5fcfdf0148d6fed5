"""Declares what a worker and the process of its chores say to each other."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING

import msgspec

from voc_stream.pipeline.ports import GaugeSample

if TYPE_CHECKING:
    from collections.abc import Sequence

BEAT = b"beat"
"""Says that the process has started, and every second that a chore still runs."""
GAUGES_A_PIECE = 1_000
"""How many gauges are decoded by one call, while which no other thread of the worker runs."""


class Ask(msgspec.Struct, frozen=True):
    """A chore that is to be done now.

    Attributes:
        chore: its name.
        now, events_wait, in_backlog: see `Circumstances`.
        clock_was_ahead: whether stored times were found to be ahead of now since the last one.
    """

    chore: str
    now: datetime
    events_wait: bool
    in_backlog: bool
    clock_was_ahead: bool


class Answer(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        error: why it failed; None if it did not.
        gauges: what it showed, in pieces; None if it showed nothing.
        letters_deleted: dead letters that it deleted.
        memory_bytes: what the process holds of memory that no other one shares.
        processor_seconds: how long the process has worked since it began.
    """

    error: str | None
    gauges: list[msgspec.Raw] | None
    letters_deleted: int
    memory_bytes: int
    processor_seconds: float


encode = msgspec.msgpack.Encoder().encode
decode_ask = msgspec.msgpack.Decoder(Ask).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode
_decode_piece = msgspec.msgpack.Decoder(list[GaugeSample]).decode


def pack_gauges(gauges: Sequence[GaugeSample]) -> list[msgspec.Raw]:
    """The gauges in pieces that are short to decode: of many sites there are tens of thousands."""
    return [
        msgspec.Raw(encode(gauges[first : first + GAUGES_A_PIECE]))
        for first in range(0, len(gauges), GAUGES_A_PIECE)
    ]


def unpack_gauges(pieces: Sequence[msgspec.Raw]) -> list[GaugeSample]:
    """The gauges of all pieces, in their order; other threads run between two pieces."""
    return [gauge for piece in pieces for gauge in _decode_piece(piece)]
