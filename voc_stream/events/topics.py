"""The topics, without the configured prefix, and the keys of their messages.

Which event goes where is a convention for people: an event is read by its type, wherever it is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.events.types import Retraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.events.types import AnyInput

TOPIC_OF_TYPE: Mapping[str, str] = {
    "callback": "callbacks",
    "complaint": "complaints",
    "repair_step": "repair-flow",
    "touchpoint": "touchpoints",
    "customer": "customers",
    "retraction": "retractions",
}
INPUTS = tuple(TOPIC_OF_TYPE.values())
DEAD_LETTERS = "dead-letters"
ALERTS = "alerts"


def key_of(event: AnyInput) -> bytes:
    """The key of an event's message: its customer, so that the events of one stay in one partition; of a retraction, its own id."""
    return (event.event_id if isinstance(event, Retraction) else event.customer_id).encode()
