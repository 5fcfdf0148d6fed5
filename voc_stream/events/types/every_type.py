"""All event types together: what a message may be, and each type by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from voc_stream.events.types.structs import (
    Callback,
    Complaint,
    Customer,
    RepairStep,
    Retraction,
    Touchpoint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

AnyEvent = Callback | Complaint | RepairStep | Touchpoint | Customer
"""What the tables are folded from."""
AnyInput = AnyEvent | Retraction
"""Whatever a message may state."""

EVENT_TYPES: Mapping[str, type[AnyEvent]] = {
    str(event.__struct_config__.tag): event for event in get_args(AnyEvent)
}
"""By the `type` that an event states."""
INPUT_TYPES: Mapping[str, type[AnyInput]] = {
    str(each.__struct_config__.tag): each for each in get_args(AnyInput)
}
"""As well, with what is no event."""
