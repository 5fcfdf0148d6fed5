"""A step in the life of a complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from msgspec import Meta
from msgspec.structs import replace

from voc_stream.events.types.base import Naming, SiteEvent
from voc_stream.events.types.fields import (
    Action,
    Amount,
    ExperienceKey,
    Identifier,
    OptionalText,
    Severity,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.events.types.base import NamedExperience


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
        """The experience that it is about, if it says which."""
        return () if self.category is None else ((0, self.category, False, False),)

    def with_names(self, alias: Mapping[str, str]) -> Self:
        """The event with today's name of its category."""
        new = None if self.category is None else alias.get(self.category)
        return self if new is None else replace(self, category=new)
