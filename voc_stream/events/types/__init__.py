"""What a call centre may say: the event types, as msgspec structs, each with what it can do."""

from voc_stream.events.types.structs import (
    EVENT_TYPES,
    INPUT_TYPES,
    Answer,
    AnyEvent,
    AnyInput,
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
