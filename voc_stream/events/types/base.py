"""Declares what events of every type have in common: fields, and what an event can say of itself.

A type of event overrides what it does otherwise. Code that reads events asks the event, so a new
type needs no `isinstance`. Only types with rows or measures of their own have one: repair steps,
complaints, customers, callbacks and retractions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Self

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from voc_stream.events.types.fields import (
    MAXIMUM_TEXT_LENGTH,
    EventId,
    Expectation,
    ExperienceKey,
    Identifier,
    Importance,
    OptionalText,
    Score,
    Timestamp,
)
from voc_stream.events.types.hundredths import hundredths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DONE = 1000
NOT_DONE = 0


class Measure(msgspec.Struct, frozen=True, gc=False):
    """One value of an experience, with what the customer expected and how much it matters.

    The values are in hundredths of a point, a minute, a percent or a count.
    """

    experience: str
    value: int
    expectation: int | None = None
    importance: int | None = None


class Naming(NamedTuple):
    """Where the body of an event names experiences, and where it scores them.

    Attributes:
        within: the field that is a list of such names; None if the event names one by itself.
        experience: the field with the key of the experience.
        score: the field with the score; None if there is none.
        done: the field that says whether it was done; None if there is none.
    """

    experience: str
    score: str | None = None
    done: str | None = None
    within: str | None = None

    @property
    def is_scored(self) -> bool:
        """Whether the event says more of the experience than its name."""
        return self.score is not None or self.done is not None

    def path(self, field: str, place: int) -> str:
        """The path of a field, of the name at a place, for people.

        >>> Naming("item", within="answers").path("item", 2)
        'answers[2].item'
        """
        return field if self.within is None else f"{self.within}[{place}].{field}"


NAMES_NOTHING = Naming("")
NamedExperience = tuple[int, str, bool, bool]
"""A name that an event gives.

It holds its place, the experience, and whether a score and a `done` stand beside it.
"""
GivenScore = tuple[str, float, int]
"""A score that an event gives: the experience, the score in points, and its place in the event."""

# gc=False: a struct of strings, times and other structs cannot be part of a reference cycle, and
# the collector need not visit it.


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="type"
):
    """The fields of every event, and what it can say of itself.

    Attributes:
        topic: where such events are sent, without the configured prefix.
        naming: where the body names experiences.
        concerns_order: whether it is folded into the order that it names.
        always_affects_risk: whether each such event may change its customer's risk of leaving.
    """

    topic: ClassVar[str]
    naming: ClassVar[Naming] = NAMES_NOTHING
    concerns_order: ClassVar[bool] = False
    always_affects_risk: ClassVar[bool] = True

    event_id: Annotated[
        EventId,
        Meta(
            description="Unique for ever; a UUIDv7 is recommended. The same id again is the same"
            " event, and counts once.",
            examples=["01973b2e-7c1a-7e3f-9d2c-5b8e1a2f3c4d"],
        ),
    ]
    occurred_at: Annotated[
        Timestamp,
        Meta(
            description="When it happened: RFC 3339 with an offset. More than 10 minutes in the"
            " future is refused; the past is not.",
            examples=["2025-05-04T09:30:00+08:00"],
        ),
    ]
    schema_version: Annotated[Literal[1], Meta(description="The version of this schema.")] = 1

    @property
    def key(self) -> str:
        """The key of its message."""
        return self.event_id

    def is_contact(self, follow_up: str | None) -> bool:
        """Whether the customer was spoken to, which follows up a delivery.

        `follow_up`: the stage of the catalogue's flow whose end says so.
        """
        del follow_up
        return False

    def failed_attempt(self) -> str | None:
        """How an attempt to reach the customer failed; None if it did not, or is none."""
        return None

    def ratings(self) -> tuple[Measure, ...]:
        """What it measures by itself."""
        return ()

    def scores(self) -> Sequence[GivenScore]:
        """The scores among its ratings: the moments of a journey."""
        return ()

    def named(self) -> Sequence[NamedExperience]:
        """The experiences that it names, in the fields that `naming` states."""
        return ()

    def with_names(self, alias: Mapping[str, str]) -> Self:
        """The event with today's name of each experience, given what old names became."""
        del alias
        return self

    @classmethod
    def words(cls) -> frozenset[str]:
        """The fields in which a customer's own words may stand: free text, and lists."""
        properties = msgspec.json.schema(cls)["$defs"][cls.__name__]["properties"]
        return frozenset(
            name
            for name, schema in properties.items()
            for option in schema.get("anyOf", [schema])
            if option.get("maxLength") == MAXIMUM_TEXT_LENGTH or option.get("type") == "array"
        )

    @classmethod
    def is_scored(cls) -> bool:
        """Whether events of this type may measure something by themselves."""
        return cls.ratings is not Event.ratings


class CustomerEvent(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The fields of every event that concerns a customer."""

    concerns_order: ClassVar[bool] = True

    customer_id: Annotated[
        Identifier,
        Meta(description="The customer; also the key of the message.", examples=["customer-1001"]),
    ]
    site_id: Annotated[Identifier | None, Meta(description="The shop or call-centre site.")] = None
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

    @property
    def key(self) -> str:
        """Its customer, so that the events of one stay in one partition."""
        return self.customer_id


class SiteEvent(CustomerEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The fields of every event that happens at a site (a shop or a call centre)."""

    site_id: Annotated[
        Identifier, Meta(description="The shop or call-centre site.", examples=["shop-07"])
    ]


class ScoredEvent(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The fields of an event that is one score of one experience."""

    naming: ClassVar[Naming] = Naming("experience", "score")

    experience: Annotated[
        ExperienceKey, Meta(description="A rating of the catalogue.", examples=["reception_wait"])
    ]
    score: Annotated[Score, Meta(description="A number from 0 to 10, kept to two decimals.")]
    expectation: Expectation = None
    importance: Importance = None
    text: OptionalText = None

    def ratings(self) -> tuple[Measure, ...]:
        """Its score."""
        return (
            Measure(
                self.experience,
                hundredths(self.score),
                optional_hundredths(self.expectation),
                optional_hundredths(self.importance),
            ),
        )

    def scores(self) -> Sequence[GivenScore]:
        """Its score."""
        return ((self.experience, self.score, 0),)

    def named(self) -> Sequence[NamedExperience]:
        """The experience that it scores."""
        return ((0, self.experience, True, False),)

    def with_names(self, alias: Mapping[str, str]) -> Self:
        """The event with today's name of its experience."""
        new = alias.get(self.experience)
        return self if new is None else replace(self, experience=new)


def optional_hundredths(score: float | None) -> int | None:
    """A score in hundredths; None for none."""
    return None if score is None else hundredths(score)
