"""What the simulator yields: messages as a producer would send them, with the truth about each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.events.topics import TOPIC_OF_TYPE
from voc_stream.events.types import Callback, Complaint, Customer, RepairStep, Touchpoint

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.events.types import Event

VALID = "valid"
LATE = "late"
DUPLICATE = "duplicate"
BROKEN = "broken:"
RETRACTION = "retraction"
CONFLICTING = "conflicting"

TOPIC_BY_EVENT: dict[type[Event], str] = {
    event: TOPIC_OF_TYPE[str(event.__struct_config__.tag)]
    for event in (Callback, Complaint, RepairStep, Touchpoint, Customer)
}
"""The topic of each type of event, without the configured prefix."""


class SimulatedMessage(NamedTuple):
    """One message in order of sending.

    `topic` lacks the configured prefix. `value` is None for a tombstone. `kind` is `valid`, `late` (valid, but sent long after it
    occurred), `duplicate` (the bytes of an earlier message again), `retraction` (takes an earlier event back), `conflicting` (the id of an
    earlier event with other content) or `broken:<reason>`, the code with which it must be refused.
    """

    sent_at: datetime
    occurred_at: datetime
    topic: str
    key: bytes
    value: bytes | None
    kind: str
