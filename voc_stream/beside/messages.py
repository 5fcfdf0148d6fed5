"""Declares what a worker and the process of its chores say to each other."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time

import msgspec

from voc_stream.pipeline.ports import GaugeSample  # noqa: TC001  the same

BEAT = b"beat"
"""Says that the process has started, and every second that a chore still runs."""


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
        gauges: what it showed; None if it showed nothing.
        letters_deleted: dead letters that it deleted.
        memory_bytes: what the process holds of memory that no other one shares.
        processor_seconds: how long the process has worked since it began.
    """

    error: str | None
    gauges: list[GaugeSample] | None
    letters_deleted: int
    memory_bytes: int
    processor_seconds: float


encode = msgspec.msgpack.Encoder().encode
decode_ask = msgspec.msgpack.Decoder(Ask).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode
