"""From the bytes of a message to an event, or to the reason why it is none."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from voc_stream.events.explain import explain_invalid_event, explain_invalid_json
from voc_stream.events.identifiers import check_identifiers, normalise_identifiers
from voc_stream.events.raw import refuse_bytes, refuse_numbers
from voc_stream.events.refusal import Reason, Refusal, quote
from voc_stream.events.renaming import with_new_names
from voc_stream.events.types import (
    AnyEvent,
    AnyInput,
    Callback,
    Complaint,
    RepairStep,
    Retraction,
    Touchpoint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.model import Catalogue, Experience
    from voc_stream.catalogue.plausible import Plausible

__all__ = [
    "MAXIMUM_FUTURE",
    "MAXIMUM_MESSAGE_BYTES",
    "Reason",
    "Refusal",
    "decode",
    "decode_stored",
]

MAXIMUM_MESSAGE_BYTES = 256 * 1024
MAXIMUM_FUTURE = timedelta(minutes=10)
SCORED = ("rating", "nps")
"""The kinds of experiences that customers score."""

_DECODER: msgspec.json.Decoder[AnyInput] = msgspec.json.Decoder(AnyInput)
_STORED_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def decode(value: bytes | None, now: datetime, catalogue: Catalogue) -> AnyInput | Refusal:
    """The event that `value` states, or why it states none. Never raises, whatever the bytes.

    A refusal says nothing about what becomes of the message: the caller keeps it whole, also one that is too large to be read.

    Args:
        value: One message as Kafka gave it; None is a tombstone.
        now: The present, aware; an event may lie up to ten minutes after it.
        catalogue: The experiences that may be named.
    """
    if not value:
        return Refusal("empty", "the message has no value; send one JSON object")
    if len(value) > MAXIMUM_MESSAGE_BYTES:
        return Refusal(
            "too_large",
            f"{len(value)} bytes are more than {MAXIMUM_MESSAGE_BYTES}; leave attachments out",
        )
    if refusal := refuse_bytes(value):
        return refusal
    event = _read(value)
    if isinstance(event, Refusal):
        return event
    if not isinstance(event, Retraction):
        event = with_new_names(event, catalogue.alias)
    return (
        refuse_numbers(value)
        or _refuse_times(event, now, catalogue.plausible)
        or _refuse_experiences(event, catalogue.experience)
        or event
    )


def decode_stored(body: str | bytes, alias: Mapping[str, str]) -> AnyEvent:
    """The event of a body that was accepted before. Nothing that was accepted once is refused later.

    Every reader of stored bodies comes here. So a stored id is the same id as one that comes in, and an experience that was renamed
    since (the catalogue's `alias`) is the same experience.
    """
    return with_new_names(normalise_identifiers(_STORED_DECODER.decode(body)), alias)


def _read(value: bytes) -> AnyInput | Refusal:
    try:
        return check_identifiers(_DECODER.decode(value))
    except msgspec.ValidationError as error:
        return explain_invalid_event(str(error))
    except msgspec.DecodeError as error:
        return explain_invalid_json(str(error), value)


def _refuse_times(event: AnyInput, now: datetime, plausible: Plausible) -> Refusal | None:
    if _overflows(event.occurred_at):
        return Refusal(
            "out_of_range", "occurred_at: lies outside the years 1 to 9999 in UTC; correct it"
        )
    if event.occurred_at - now > MAXIMUM_FUTURE:
        return Refusal(
            "time_in_future",
            f"occurred_at: is more than 10 minutes after {now:%Y-%m-%dT%H:%M:%S%z}; check clock and offset",
        )
    if event.occurred_at < plausible.earliest_occurred_at:
        earliest = plausible.earliest_occurred_at.isoformat()
        return Refusal(
            "implausible_time",
            f"occurred_at: is before {earliest}; set the sender's clock, or earliest_occurred_at in the catalogue",
        )
    if (
        isinstance(event, RepairStep)
        and event.promised_at is not None
        and _overflows(event.promised_at)
    ):
        return Refusal(
            "out_of_range", "promised_at: lies outside the years 1 to 9999 in UTC; correct it"
        )
    return None


def _overflows(time: datetime) -> bool:
    if MINYEAR < time.year < MAXYEAR:
        return False
    try:
        time.astimezone(UTC)
    except OverflowError:
        return True
    return False


def _refuse_experiences(event: AnyInput, experiences: Mapping[str, Experience]) -> Refusal | None:
    if isinstance(event, Callback):
        return _refuse_answers(event, experiences)
    if isinstance(event, Touchpoint):
        experience = experiences.get(event.experience)
        if experience is None:
            return _unknown("experience", event.experience)
        if experience.kind not in SCORED or experience.source is not None:
            return _wrong_kind(
                "experience", event.experience, experience, "a touchpoint scores a rating"
            )
    if (
        isinstance(event, Complaint)
        and event.category is not None
        and event.category not in experiences
    ):
        return _unknown("category", event.category)
    return None


def _refuse_answers(callback: Callback, experiences: Mapping[str, Experience]) -> Refusal | None:
    for place, answer in enumerate(callback.answers):
        experience = experiences.get(answer.item)
        if experience is None:
            return _unknown(f"answers[{place}].item", answer.item)
        if answer.score is not None and (
            experience.kind not in SCORED or experience.source is not None
        ):
            return _wrong_kind(
                f"answers[{place}].score", answer.item, experience, "only a rating has a score"
            )
        if answer.done is not None and experience.kind != "process":
            return _wrong_kind(
                f"answers[{place}].done",
                answer.item,
                experience,
                "only a process item is done or not",
            )
    items = [answer.item for answer in callback.answers]
    if len(set(items)) < len(items):
        place = next(place for place, item in enumerate(items) if item in items[:place])
        return Refusal(
            "repeated_item",
            f"answers[{place}].item: {quote(items[place])} was answered before; give each item once",
        )
    return None


def _unknown(path: str, item: str) -> Refusal:
    return Refusal(
        "unknown_item", f"{path}: {quote(item)} is not in the catalogue; correct it or add it there"
    )


def _wrong_kind(path: str, item: str, experience: Experience, advice: str) -> Refusal:
    measured = "" if experience.source is None else " and measured by its `source`"
    return Refusal(
        "wrong_kind",
        f"{path}: {quote(item)} is of kind {experience.kind}{measured} in the catalogue; {advice}",
    )
