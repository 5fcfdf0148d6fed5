"""What a call centre may say: the event types, as msgspec structs, each with what it can do."""

from voc_stream.events.types.every_type import EVENT_TYPES, INPUT_TYPES, AnyEvent, AnyInput
from voc_stream.events.types.structs import (
    Answer,
    Callback,
    Complaint,
    Customer,
    RepairStep,
    Retraction,
    Touchpoint,
)

__all__ = [
    "EVENT_TYPES",
    "INPUT_TYPES",
    "Answer",
    "AnyEvent",
    "AnyInput",
    "Callback",
    "Complaint",
    "Customer",
    "RepairStep",
    "Retraction",
    "Touchpoint",
]
