"""What is known of a customer, and whether the customer left."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from voc_stream.events.types.base import CustomerEvent
from voc_stream.events.types.fields import (
    Amount,
    Change,
    ChurnReason,
    Identifier,
    LifecycleStage,
    Timestamp,
)


class Customer(
    CustomerEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="customer"
):
    """Profile, churn and win-back facts of one customer."""

    topic: ClassVar[str] = "customers"
    concerns_order: ClassVar[bool] = False

    change: Annotated[
        Change,
        Meta(
            description="Whether this states the profile, that the customer left, or that the"
            " customer came back."
        ),
    ]
    segment: Annotated[
        Identifier | None, Meta(description="The group of customers to which this one belongs.")
    ] = None
    region: Annotated[
        Identifier | None,
        Meta(description="Where the customer lives, in the sender's own division."),
    ] = None
    annual_value: Annotated[
        Amount | None,
        Meta(description="What the customer is worth in a year, in the currency of the site."),
    ] = None
    lifecycle_stage: Annotated[
        LifecycleStage | None, Meta(description="How far the relationship has come.")
    ] = None
    customer_since: Annotated[
        Timestamp | None,
        Meta(
            description="When the customer became one: RFC 3339 with an offset. A moment after"
            " `occurred_at` is ignored."
        ),
    ] = None
    churn_reason: Annotated[
        ChurnReason | None, Meta(description="Why the customer left; with `change` churned.")
    ] = None
