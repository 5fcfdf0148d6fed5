"""Experiences that were renamed: events may go on with the old name, and the stored ones do for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from voc_stream.events.types import AnyEvent, Callback, Complaint, Touchpoint

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_new_names(event: AnyEvent, alias: Mapping[str, str]) -> AnyEvent:
    """The event with today's name of each experience, given what old names became; itself where it names none of these."""
    if not alias:
        return event
    if isinstance(event, Touchpoint) and event.experience in alias:
        return replace(event, experience=alias[event.experience])
    if isinstance(event, Complaint) and event.category is not None and event.category in alias:
        return replace(event, category=alias[event.category])
    if isinstance(event, Callback) and any(answer.item in alias for answer in event.answers):
        return replace(
            event,
            answers=[
                replace(answer, item=alias.get(answer.item, answer.item))
                for answer in event.answers
            ],
        )
    return event
