"""What a call centre may say: the event types, as msgspec structs.

These structs are the one source: decoding, the JSON Schemas and the AsyncAPI document are derived from them.
Unknown fields are ignored here and kept in the stored body.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAXIMUM_TEXT_LENGTH = 4096
MAXIMUM_AMOUNT = 1e12

# `$` alone would let a trailing newline pass.
EventId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$(?!\n)")]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\u0000-\u001f\u007f-\u009f]+$(?!\n)")]
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
Action = Literal["opened", "acknowledged", "apologised", "resolved", "informed", "reopened", "closed", "withdrawn"]
Severity = Literal["minor", "major"]
Change = Literal["profile", "churned", "won_back"]
LifecycleStage = Literal["target", "prospect", "opportunity", "contracted", "user"]
ChurnReason = Literal["death", "moved", "other_relationship", "competitor", "product", "attitude", "unknown"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The fields of every event."""

    event_id: EventId
    occurred_at: Timestamp
    customer_id: Identifier
    schema_version: Literal[1] = 1
    department: Identifier | None = None
    employee_id: Identifier | None = None
    product: Identifier | None = None
    channel: Identifier | None = None
    order_id: Identifier | None = None
    journey_id: Identifier | None = None


class SiteEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of every event that happens at a site (a shop or a call centre)."""

    site_id: Identifier


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer of a callback: a rating carries `score`, a process item carries `done`."""

    item: Identifier
    score: Score | None = None
    done: bool | None = None
    expectation: Score | None = None
    importance: Score | None = None


class Callback(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, tag="callback"):
    """A follow-up call or survey, answered or not."""

    outcome: Outcome
    answers: list[Answer] = []
    recommend: Annotated[int, Meta(ge=0, le=10)] | None = None
    effort: Score | None = None
    text: Text | None = None
    mode: Identifier | None = None


class Complaint(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, tag="complaint"):
    """A step in the life of one complaint."""

    complaint_id: Identifier
    action: Action
    severity: Severity
    category: Identifier | None = None
    text: Text | None = None
    compensation: Amount | None = None
    handed_to: Identifier | None = None


class RepairStep(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, tag="repair_step"):
    """A vehicle enters or leaves a stage of the repair flow."""

    order_id: Identifier
    stage: Stage
    edge: Edge
    promised_at: Timestamp | None = None
    estimated_amount: Amount | None = None
    final_amount: Amount | None = None


class Touchpoint(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, tag="touchpoint"):
    """Any other scored contact."""

    experience: Identifier
    score: Score
    expectation: Score | None = None
    importance: Score | None = None
    text: Text | None = None


class Customer(Event, frozen=True, kw_only=True, omit_defaults=True, tag="customer"):
    """Profile, churn and win-back facts of one customer."""

    change: Change
    site_id: Identifier | None = None
    segment: Identifier | None = None
    region: Identifier | None = None
    annual_value: Amount | None = None
    lifecycle_stage: LifecycleStage | None = None
    churn_reason: ChurnReason | None = None


AnyEvent = Callback | Complaint | RepairStep | Touchpoint | Customer
