"""A follow-up call or survey: whether it was answered, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from voc_stream.events.types.base import (
    DONE,
    NOT_DONE,
    Measure,
    Naming,
    SiteEvent,
)
from voc_stream.events.types.fields import (
    Expectation,
    ExperienceKey,
    Identifier,
    Importance,
    OptionalText,
    Outcome,
    Score,
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

    def failed_attempt(self) -> str | None:
        """Its outcome, unless the customer was reached and answered."""
        return None if self.outcome == "completed" else self.outcome

    def ratings(self) -> tuple[Measure, ...]:
        """The ratings and process items that were answered."""
        return tuple(
            [
                Measure(
                    answer.item,
                    (DONE if answer.done else NOT_DONE)
                    if answer.score is None
                    else hundredths(answer.score),
                    None if (expected := answer.expectation) is None else hundredths(expected),
                    None if (matters := answer.importance) is None else hundredths(matters),
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
