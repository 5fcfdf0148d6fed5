"""What takes events out of every table."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from voc_stream.events.types.base import Event
from voc_stream.events.types.fields import MAXIMUM_REASON_LENGTH, MAXIMUM_RETRACTED, EventId


class Retraction(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="retraction"):
    """Takes events out of every table, whether it comes before or after them."""

    topic: ClassVar[str] = "retractions"

    event_ids: Annotated[
        list[EventId],
        Meta(
            min_length=1,
            max_length=MAXIMUM_RETRACTED,
            description="The events that it takes out, 1 to 1,000 of them. Their ids stay taken:"
            " the right event needs a new one.",
        ),
    ]
    reason: Annotated[
        Annotated[str, Meta(max_length=MAXIMUM_REASON_LENGTH)],
        Meta(
            description="Why, for people. It is kept, so it must name no person.",
            examples=["test data of the new shop"],
        ),
    ]
