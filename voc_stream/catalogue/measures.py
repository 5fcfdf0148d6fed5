"""Where the value of a measure comes from, as a catalogue declares it.

The `source` of an experience.

An experience without a source is what customers answer: a rating, a process item, the NPS question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from voc_stream.events.types.fields import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Kind = Literal["rating", "process", "timing", "share", "nps", "ratio"]
Unit = Literal["score", "minutes", "percent", "count"]
ANSWERED: tuple[Kind, ...] = ("rating", "process", "nps")
"""The kinds of what customers answer; the others need a source."""
FIELDS: Mapping[str, tuple[Kind, ...]] = {"recommend": ("rating", "nps"), "effort": ("rating",)}
"""The fields of a callback that are scores, and as which kinds each can be shown."""


class _Source(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="from"
):
    """What every source has in common."""


class FromField(_Source, frozen=True, kw_only=True, tag="field"):
    """The score in a field of a callback; a callback without it measures nothing."""

    field: str


class FromOutcome(_Source, frozen=True, kw_only=True, tag="outcome"):
    """The share of callbacks that ended in one of some ways.

    They are counted among those that ended in one of others.
    """

    outcomes: tuple[Outcome, ...]
    among: tuple[Outcome, ...] = get_args(Outcome)


Source = FromField | FromOutcome


def kinds_of(source: Source) -> tuple[Kind, ...]:
    """The kinds as which what a source gives can be shown."""
    if isinstance(source, FromField):
        return FIELDS.get(source.field, ())
    return ("share",)


def unit_of(source: Source) -> Unit:
    """The unit in which a source gives its values."""
    del source
    return "score"


def problems(source: Source) -> Iterator[tuple[str, str]]:
    """The keys of a source whose values cannot be meant, each with what is wrong.

    >>> list(problems(FromField(field="text")))
    [('field', "'text' is no score; the scores of a callback are recommend, effort")]
    """
    if isinstance(source, FromField):
        if source.field not in FIELDS:
            yield (
                "field",
                f"{source.field!r} is no score; the scores of a callback are {', '.join(FIELDS)}",
            )
    elif not source.outcomes:
        yield "outcomes", "must name at least one outcome"
    elif not set(source.outcomes) < set(source.among):
        yield (
            "outcomes",
            f"must be some of `among` ({', '.join(source.among)}), and not all of them",
        )
