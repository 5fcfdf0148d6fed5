"""Names the topics, without the configured prefix, and the keys of their messages.

Which event goes to which topic is a convention for people: an event is read by its type, in any
topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.events.types import INPUT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.events.types import AnyInput

TOPIC_OF_TYPE: Mapping[str, str] = {name: kind.topic for name, kind in INPUT_TYPES.items()}
INPUTS = tuple(dict.fromkeys(TOPIC_OF_TYPE.values()))
DEAD_LETTERS = "dead-letters"
ALERTS = "alerts"


def key_of(event: AnyInput) -> bytes:
    """The key of an event's message."""
    return event.key.encode()
