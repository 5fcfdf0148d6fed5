"""Declares what the simulator yields: a producer's messages, with the truth about each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


VALID = "valid"
LATE = "late"
DUPLICATE = "duplicate"
BROKEN = "broken:"
RETRACTION = "retraction"
CONFLICTING = "conflicting"


class SimulatedMessage(NamedTuple):
    """One message in order of sending.

    `topic` lacks the configured prefix. `value` is None for a tombstone. `kind` is one of:

    - `valid`;
    - `late`: valid, but sent long after it occurred;
    - `duplicate`: the bytes of an earlier message again;
    - `retraction`: takes an earlier event back;
    - `conflicting`: the id of an earlier event with other content;
    - `broken:<reason>`: the code with which it must be refused.
    """

    sent_at: datetime
    occurred_at: datetime
    topic: str
    key: bytes
    value: bytes | None
    kind: str
