"""A step of an order through the trade's flow."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from voc_stream.events.types.base import SiteEvent
from voc_stream.events.types.fields import Amount, Edge, Identifier, StageKey, Timestamp


class RepairStep(
    SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="repair_step"
):
    """An order enters or leaves a stage of the trade's flow, as a vehicle does in a workshop."""

    topic: ClassVar[str] = "repair-flow"
    # Of a workshop's many steps only some do; the fold knows which.
    always_affects_risk: ClassVar[bool] = False

    order_id: Annotated[Identifier, Meta(description="The repair order.", examples=["order-5001"])]
    stage: Annotated[
        StageKey,
        Meta(
            description="A stage of the catalogue's flow; the examples are those of the automotive "
            "catalogue. Stages may be skipped, repeated and reported in any order.",
            examples=[
                "appointment",
                "reception",
                "diagnosis",
                "estimate",
                "parts",
                "dispatch",
                "work",
                "inspection",
                "wash",
                "settlement",
                "delivery",
                "follow_up",
            ],
        ),
    ]
    edge: Annotated[Edge, Meta(description="Whether the order enters or leaves the stage.")]
    promised_at: Annotated[
        Timestamp | None, Meta(description="When delivery was promised: RFC 3339 with an offset.")
    ] = None
    estimated_amount: Annotated[
        Amount | None, Meta(description="The estimate, in the currency of the site.")
    ] = None
    final_amount: Annotated[
        Amount | None, Meta(description="The bill, in the currency of the site.")
    ] = None

    def is_contact(self, follow_up: str | None) -> bool:
        """Whether the follow-up has ended."""
        return self.stage == follow_up and self.edge == "exit"
