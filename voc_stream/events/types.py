"""What a call centre may say: the event types, as msgspec structs.

These structs are the one source: decoding, the JSON Schemas and the AsyncAPI document are derived from them.
Unknown fields are ignored here and kept in the stored body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAXIMUM_TEXT_LENGTH = 4096
MAXIMUM_AMOUNT = 1e12
MAXIMUM_RETRACTED = 1_000
MAXIMUM_REASON_LENGTH = 200

# `$` alone would let a trailing newline pass. Published with the schemas, but checked by events/identifiers.py: as patterns of the
# decoder they would take half of its time.
MAXIMUM_EVENT_ID_LENGTH = 64
EVENT_ID_PATTERN = r"^[A-Za-z0-9._:-]+$(?!\n)"
# An id is refused where it has what nobody sees: controls and formats (zero width, bidirectional), blanks but U+0020, marks and fillers
# that show nothing, and U+FFFD, which stands for a character that was lost. What of these lies beyond U+FFFF no portable pattern can say.
INVISIBLE = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5"
    r"\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
)
IDENTIFIER_PATTERN = rf"^(?! |.* $)[^{INVISIBLE}]+$(?!\n)"
MAXIMUM_IDENTIFIER_LENGTH = 64
EventId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_EVENT_ID_LENGTH,
        extra_json_schema={"pattern": EVENT_ID_PATTERN},
    ),
]
Identifier = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_IDENTIFIER_LENGTH,
        extra_json_schema={"pattern": IDENTIFIER_PATTERN},
    ),
]
ExperienceKey = Annotated[
    str, Meta(min_length=1, max_length=64)
]  # no pattern, which costs time: the catalogue is stricter
Timestamp = Annotated[datetime, Meta(tz=True)]
Score = Annotated[float, Meta(ge=0, le=10)]
Amount = Annotated[float, Meta(ge=0, le=MAXIMUM_AMOUNT)]
Text = Annotated[str, Meta(max_length=MAXIMUM_TEXT_LENGTH)]

Stage = Literal[
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
]
Edge = Literal["enter", "exit"]
Outcome = Literal["completed", "no_answer", "refused"]
Action = Literal[
    "opened",
    "acknowledged",
    "apologised",
    "resolved",
    "informed",
    "reopened",
    "closed",
    "withdrawn",
]
Severity = Literal["minor", "major"]
Change = Literal["profile", "churned", "won_back"]
LifecycleStage = Literal["target", "prospect", "opportunity", "contracted", "user"]
ChurnReason = Literal[
    "death", "moved", "other_relationship", "competitor", "product", "attitude", "unknown"
]

# The same words wherever the same thing is said.
OptionalText = Annotated[
    Text | None, Meta(description="What the customer said, in the customer's words.")
]
Expectation = Annotated[
    Score | None,
    Meta(description="The score that the customer expected. Absent: the catalogue's value counts."),
]
Importance = Annotated[
    Score | None,
    Meta(
        description="How much it matters to the customer, from 0 to 10. Absent: the catalogue's value counts."
    ),
]

# gc=False: a struct of strings, times and other structs cannot be part of a reference cycle, and the collector need not visit it.


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"
):
    """The fields of every event."""

    event_id: Annotated[
        EventId,
        Meta(
            description="Unique for ever; a UUIDv7 is recommended. The same id again is the same event, and counts once.",
            examples=["01973b2e-7c1a-7e3f-9d2c-5b8e1a2f3c4d"],
        ),
    ]
    occurred_at: Annotated[
        Timestamp,
        Meta(
            description="When it happened: RFC 3339 with an offset. More than 10 minutes in the future is refused; the past is not.",
            examples=["2025-05-04T09:30:00+08:00"],
        ),
    ]
    schema_version: Annotated[Literal[1], Meta(description="The version of this schema.")] = 1


class CustomerEvent(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The fields of every event that concerns a customer."""

    customer_id: Annotated[
        Identifier,
        Meta(description="The customer; also the key of the message.", examples=["customer-1001"]),
    ]
    department: Annotated[
        Identifier | None, Meta(description="The department that the customer dealt with.")
    ] = None
    employee_id: Annotated[
        Identifier | None, Meta(description="The employee that the customer dealt with.")
    ] = None
    product: Annotated[
        Identifier | None,
        Meta(description="What the customer owns or bought, such as a vehicle model."),
    ] = None
    channel: Annotated[
        Identifier | None, Meta(description="Where it happened, such as phone, web or counter.")
    ] = None
    order_id: Annotated[
        Identifier | None,
        Meta(description="The order that it is about; events of one order form a journey."),
    ] = None
    journey_id: Annotated[
        Identifier | None,
        Meta(description="The journey in the sender's own system, kept as it is."),
    ] = None


class SiteEvent(CustomerEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The fields of every event that happens at a site (a shop or a call centre)."""

    site_id: Annotated[
        Identifier, Meta(description="The shop or call-centre site.", examples=["shop-07"])
    ]


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One answer of a callback: a rating carries `score`, a process item carries `done`."""

    item: Annotated[
        ExperienceKey,
        Meta(
            description="An experience of the catalogue, at most once in a callback.",
            examples=["repair_quality", "followed_up"],
        ),
    ]
    score: Annotated[
        Score | None, Meta(description="For a rating: a number from 0 to 10, kept to two decimals.")
    ] = None
    done: Annotated[bool | None, Meta(description="For a process item: whether it was done.")] = (
        None
    )
    expectation: Expectation = None
    importance: Importance = None


class Callback(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="callback"):
    """A follow-up call or survey, answered or not."""

    outcome: Annotated[
        Outcome, Meta(description="Whether the customer was reached and willing to answer.")
    ]
    answers: Annotated[
        list[Answer], Meta(description="The answers in the order in which they were given.")
    ] = []
    recommend: Annotated[
        Annotated[int, Meta(ge=0, le=10)] | None,
        Meta(
            description="How likely the customer is to recommend (the NPS question), from 0 to 10, without a decimal point."
        ),
    ] = None
    effort: Annotated[
        Score | None, Meta(description="How easy it was for the customer, from 0 to 10.")
    ] = None
    text: OptionalText = None
    mode: Annotated[
        Identifier | None, Meta(description="How the customer was asked, such as phone or web.")
    ] = None


class Complaint(
    SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="complaint"
):
    """A step in the life of one complaint."""

    complaint_id: Annotated[
        Identifier,
        Meta(
            description="The complaint; all its steps carry the same id.", examples=["complaint-31"]
        ),
    ]
    action: Annotated[Action, Meta(description="What happened to the complaint.")]
    severity: Annotated[Severity, Meta(description="How grave it is.")]
    category: Annotated[
        ExperienceKey | None, Meta(description="The experience of the catalogue that it is about.")
    ] = None
    text: OptionalText = None
    compensation: Annotated[
        Amount | None, Meta(description="What the customer was given, in the currency of the site.")
    ] = None
    handed_to: Annotated[
        Identifier | None, Meta(description="The department that deals with it now.")
    ] = None


class RepairStep(
    SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="repair_step"
):
    """A vehicle enters or leaves a stage of the repair flow."""

    order_id: Annotated[Identifier, Meta(description="The repair order.", examples=["order-5001"])]
    stage: Annotated[
        Stage,
        Meta(
            description="The stage of the repair flow. Stages may be skipped, repeated and reported in any order."
        ),
    ]
    edge: Annotated[Edge, Meta(description="Whether the vehicle enters or leaves the stage.")]
    promised_at: Annotated[
        Timestamp | None, Meta(description="When delivery was promised: RFC 3339 with an offset.")
    ] = None
    estimated_amount: Annotated[
        Amount | None, Meta(description="The estimate, in the currency of the site.")
    ] = None
    final_amount: Annotated[
        Amount | None, Meta(description="The bill, in the currency of the site.")
    ] = None


class Touchpoint(
    SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="touchpoint"
):
    """Any other scored contact."""

    experience: Annotated[
        ExperienceKey, Meta(description="A rating of the catalogue.", examples=["reception_wait"])
    ]
    score: Annotated[Score, Meta(description="A number from 0 to 10, kept to two decimals.")]
    expectation: Expectation = None
    importance: Importance = None
    text: OptionalText = None


class Customer(
    CustomerEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="customer"
):
    """Profile, churn and win-back facts of one customer."""

    change: Annotated[
        Change,
        Meta(
            description="Whether this states the profile, that the customer left, or that the customer came back."
        ),
    ]
    site_id: Annotated[Identifier | None, Meta(description="The shop or call-centre site.")] = None
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
    churn_reason: Annotated[
        ChurnReason | None, Meta(description="Why the customer left; with `change` churned.")
    ] = None


class Retraction(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="retraction"):
    """Takes events out of every table, whether it comes before or after them."""

    event_ids: Annotated[
        list[EventId],
        Meta(
            min_length=1,
            max_length=MAXIMUM_RETRACTED,
            description="The events that it takes out, 1 to 1,000 of them. Their ids stay taken: the right event needs a new one.",
        ),
    ]
    reason: Annotated[
        Annotated[str, Meta(max_length=MAXIMUM_REASON_LENGTH)],
        Meta(
            description="Why, for people. It is kept, so it must name no person.",
            examples=["test data of the new shop"],
        ),
    ]


AnyEvent = Callback | Complaint | RepairStep | Touchpoint | Customer
"""What the tables are folded from."""
AnyInput = AnyEvent | Retraction
"""Whatever a message may state."""
