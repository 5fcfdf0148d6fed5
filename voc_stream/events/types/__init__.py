"""Declares what a call centre may say: the event types, as structs that say what they can do."""

from voc_stream.events.types.every_type import EVENT_TYPES, INPUT_TYPES, AnyEvent, AnyInput
from voc_stream.events.types.structs.callback import Answer, Callback
from voc_stream.events.types.structs.complaint import Complaint
from voc_stream.events.types.structs.customer import Customer
from voc_stream.events.types.structs.repair_step import RepairStep
from voc_stream.events.types.structs.retraction import Retraction
from voc_stream.events.types.structs.touchpoint import Touchpoint

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
