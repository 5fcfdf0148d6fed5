"""The topics, without the configured prefix.

Which event goes where is a convention for people: an event is read by its type, wherever it is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPIC_OF_TYPE: Mapping[str, str] = {
    "callback": "callbacks",
    "complaint": "complaints",
    "repair_step": "repair-flow",
    "touchpoint": "touchpoints",
    "customer": "customers",
}
INPUTS = tuple(TOPIC_OF_TYPE.values())
DEAD_LETTERS = "dead-letters"
ALERTS = "alerts"
