"""Decodes the bytes of a message into an event, or into the reason why it is none."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args, get_type_hints

import msgspec

from voc_stream.events.explain import explain_invalid_event, explain_invalid_json
from voc_stream.events.identifiers import check_identifiers, normalise_identifiers
from voc_stream.events.raw import refuse_bytes, refuse_numbers
from voc_stream.events.refusal import Reason, Refusal, quote
from voc_stream.events.types import INPUT_TYPES, AnyEvent, AnyInput, RepairStep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voc_stream.catalogue.flow import Flow
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

DECODER: msgspec.json.Decoder[AnyInput] = msgspec.json.Decoder(AnyInput)
_STORED_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def decode(value: bytes | None, now: datetime, catalogue: Catalogue) -> AnyInput | Refusal:
    """The event that `value` states, or why it states none. Never raises, whatever the bytes.

    A refusal does not say what becomes of the message. The caller keeps it whole, also one that is
    too large to be read.

    Args:
        value: One message as Kafka gave it; None is a tombstone.
        now: The present, aware; an event may lie up to ten minutes after it.
        catalogue: The experiences and the stages that may be named.
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
    if catalogue.alias:
        event = event.with_names(catalogue.alias)
    return (
        refuse_numbers(value)
        or _refuse_times(event, now, catalogue.plausible)
        or refuse_names(event, catalogue)
        or event
    )


def decode_stored(body: str | bytes, alias: Mapping[str, str]) -> AnyEvent:
    """The event of a body that was accepted before.

    Nothing that was accepted once is refused later. Every reader of stored bodies comes here. So a
    stored id is the same id as one that comes in. An experience that was renamed since (the
    catalogue's `alias`) is the same experience.
    """
    event = normalise_identifiers(_STORED_DECODER.decode(body))
    return event.with_names(alias) if alias else event


def _read(value: bytes) -> AnyInput | Refusal:
    try:
        return check_identifiers(DECODER.decode(value))
    except msgspec.ValidationError as error:
        return explain_invalid_event(str(error))
    except msgspec.DecodeError as error:
        return explain_invalid_json(str(error), value)


def _refuse_times(event: AnyInput, now: datetime, plausible: Plausible) -> Refusal | None:
    if overflows(event.occurred_at):
        return Refusal(
            "out_of_range", "occurred_at: lies outside the years 1 to 9999 in UTC; correct it"
        )
    if event.occurred_at - now > MAXIMUM_FUTURE:
        return Refusal(
            "time_in_future",
            f"occurred_at: is more than 10 minutes after {now:%Y-%m-%dT%H:%M:%S%z}; check clock and"
            f" offset",
        )
    if event.occurred_at < plausible.earliest_occurred_at:
        earliest = plausible.earliest_occurred_at.isoformat()
        return Refusal(
            "implausible_time",
            f"occurred_at: is before {earliest}; set the sender's clock, or earliest_occurred_at in"
            f" the catalogue",
        )
    for name in FURTHER_TIMES[type(event)]:
        time = getattr(event, name)
        if time is not None and overflows(time):
            return Refusal(
                "out_of_range", f"{name}: lies outside the years 1 to 9999 in UTC; correct it"
            )
    return None


def overflows(time: datetime) -> bool:
    """Whether a time lies outside the years that can be told in UTC."""
    if MINYEAR < time.year < MAXYEAR:
        return False
    try:
        time.astimezone(UTC)
    except OverflowError:
        return True
    return False


def refuse_names(event: AnyInput, catalogue: Catalogue) -> Refusal | None:
    """What is wrong with the experiences or the stage that the event names."""
    named = event.named()
    if not named:
        # An event that names a stage names no experience.
        return _refuse_stage(event, catalogue.flow) if type(event) is RepairStep else None
    experiences = catalogue.experience
    for place, name, has_score, has_done in named:
        experience = experiences.get(name)
        if (
            experience is None
            or (has_score and not _takes_scores(experience))
            or (has_done and experience.kind != "process")
        ):
            return _misnamed(event, place, name, experience, has_score=has_score)
    if len({name for _, name, _, _ in named}) < len(named):
        return _repeated(event, [name for _, name, _, _ in named])
    return None


def _refuse_stage(step: RepairStep, flow: Flow) -> Refusal | None:
    if step.stage in flow.stages:
        return None
    advice = (
        f"use one of: {', '.join(flow.stages)}"
        if flow.stages
        else "it has no stages; declare them under [flow]"
    )
    return Refusal(
        "unknown_stage", f"stage: {quote(step.stage)} is no stage of the catalogue; {advice}"
    )


def _takes_scores(experience: Experience) -> bool:
    return experience.kind in SCORED and experience.source is None


def _misnamed(
    event: AnyInput, place: int, name: str, experience: Experience | None, *, has_score: bool
) -> Refusal:
    naming = event.naming
    if experience is None:
        path = naming.path(naming.experience, place)
        return Refusal(
            "unknown_item",
            f"{path}: {quote(name)} is not in the catalogue; correct it or add it there",
        )
    is_score = has_score and not _takes_scores(experience)
    measured = "" if experience.source is None else " and measured by its `source`"
    field = naming.score if is_score else naming.done
    advice = "only a rating has a score" if is_score else "only a process item is done or not"
    return Refusal(
        "wrong_kind",
        f"{naming.path(field or naming.experience, place)}: {quote(name)} is of kind"
        f" {experience.kind}{measured} in the catalogue; {advice}",
    )


def _repeated(event: AnyInput, names: Sequence[str]) -> Refusal:
    place = next(place for place, name in enumerate(names) if name in names[:place])
    path = event.naming.path(event.naming.experience, place)
    return Refusal(
        "repeated_item",
        f"{path}: {quote(names[place])} was answered before; give each item once",
    )


def _further_times(struct: type[AnyInput]) -> tuple[str, ...]:
    """The fields that are moments, but for `occurred_at`."""
    return tuple(
        name
        for name, hint in get_type_hints(struct).items()
        if name != "occurred_at" and datetime in (hint, *get_args(hint))
    )


FURTHER_TIMES = {struct: _further_times(struct) for struct in INPUT_TYPES.values()}
