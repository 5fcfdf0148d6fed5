from __future__ import annotations

from pathlib import Path
from typing import get_args

from voc_stream.events.types import (
    EVENT_TYPES,
    INPUT_TYPES,
    AnyEvent,
    AnyInput,
    Customer,
    structs,
)
from voc_stream.events.types.base import Measure, SiteEvent


def test_a_file_is_a_type_and_nobody_lists_it() -> None:
    """Each file below `structs` is the type of its name, in the union that is decoded."""
    files = {path.stem for path in Path(structs.__path__[0]).glob("[a-z]*.py")}
    assert INPUT_TYPES.keys() == files
    assert EVENT_TYPES.keys() == files - {"retraction"}
    assert set(get_args(AnyInput)) == set(INPUT_TYPES.values())
    assert set(get_args(AnyEvent)) == set(EVENT_TYPES.values())


class Review(SiteEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="review"):
    """A type that measures something, and names no experience in its body."""

    def ratings(self) -> tuple[Measure, ...]:
        """What its site is worth."""
        return (Measure("public_review", 750),)


def test_a_type_is_scored_if_it_measures_anything_by_itself() -> None:
    """What is not stored as scored keeps its old segment when a profile changes, in silence."""
    assert Review.is_scored()
    assert not Customer.is_scored()
    named = [struct for struct in EVENT_TYPES.values() if struct.naming.is_scored]
    assert named
    assert all(struct.is_scored() for struct in named)
