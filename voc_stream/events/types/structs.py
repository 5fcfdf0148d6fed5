"""What a call centre may say: the event types, as msgspec structs, each with what it can do.

These structs are the one source: decoding, the JSON Schemas and the AsyncAPI document are derived
from them. Unknown fields are ignored here and kept in the stored body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from voc_stream.events.types.base import (
    DONE,
    NOT_DONE,
    CustomerEvent,
    Event,
    Measure,
    Naming,
    ScoredEvent,
    SiteEvent,
    optional_hundredths,
)
from voc_stream.events.types.fields import (
    MAXIMUM_REASON_LENGTH,
    MAXIMUM_RETRACTED,
    Action,
    Amount,
    Change,
    ChurnReason,
    Edge,
    EventId,
    Expectation,
    ExperienceKey,
    Identifier,
    Importance,
    LifecycleStage,
    OptionalText,
    Outcome,
    Score,
    Severity,
    StageKey,
    Timestamp,
)
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.events.types.base import GivenScore, NamedExperience


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

    topic: ClassVar[str] = "callbacks"
    naming: ClassVar[Naming] = Naming("item", "score", "done", within="answers")

    outcome: Annotated[
        Outcome, Meta(description="Whether the customer was reached and willing to answer.")
    ]
    answers: Annotated[
        list[Answer], Meta(description="The answers in the order in which they were given.")
    ] = []  # noqa: RUF012  msgspec gives each event a list of its own
    recommend: Annotated[
        Annotated[int, Meta(ge=0, le=10)] | None,
        Meta(
            description="How likely the customer is to recommend (the NPS question), from 0 to 10,"
            " without a decimal point."
        ),
    ] = None
    effort: Annotated[
        Score | None, Meta(description="How easy it was for the customer, from 0 to 10.")
    ] = None
    text: OptionalText = None
    mode: Annotated[
        Identifier | None, Meta(description="How the customer was asked, such as phone or web.")
    ] = None

    def is_contact(self, follow_up: str | None) -> bool:
        """Whether the customer was reached and answered."""
        del follow_up
        return self.outcome == "completed"

    def ratings(self) -> tuple[Measure, ...]:
        """The ratings and process items that were answered."""
        return tuple(
            [
                Measure(
                    answer.item,
                    (DONE if answer.done else NOT_DONE)
                    if answer.score is None
                    else hundredths(answer.score),
                    optional_hundredths(answer.expectation),
                    optional_hundredths(answer.importance),
                )
                for answer in self.answers
                if answer.score is not None or answer.done is not None
            ]
        )

    def scores(self) -> Sequence[GivenScore]:
        """The ratings that were answered."""
        return [
            (answer.item, answer.score, place)
            for place, answer in enumerate(self.answers)
            if answer.score is not None
        ]

    def named(self) -> Sequence[NamedExperience]:
        """The experience of each answer."""
        return [
            (place, answer.item, answer.score is not None, answer.done is not None)
            for place, answer in enumerate(self.answers)
        ]

    def with_names(self, alias: Mapping[str, str]) -> Self:
        """The event with today's name of each answer's experience."""
        if not any(answer.item in alias for answer in self.answers):
            return self
        answers = [replace(each, item=alias.get(each.item, each.item)) for each in self.answers]
        return replace(self, answers=answers)


class Complaint(
    SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="complaint"
):
    """A step in the life of one complaint."""

    topic: ClassVar[str] = "complaints"
    naming: ClassVar[Naming] = Naming("category")

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

    def named(self) -> Sequence[NamedExperience]:
        """The experience that it is about, where it says which."""
        return () if self.category is None else ((0, self.category, False, False),)

    def with_names(self, alias: Mapping[str, str]) -> Self:
        """The event with today's name of its category."""
        new = None if self.category is None else alias.get(self.category)
        return self if new is None else replace(self, category=new)


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


class Touchpoint(
    ScoredEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="touchpoint"
):
    """Any other scored contact."""

    topic: ClassVar[str] = "touchpoints"


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
