"""Decodes many messages at once, which is cheaper while all of them are plainly right.

Nearly all are. Then one search in C over all bytes says no for all of them, where `decode` searches
each by itself. Whatever is not plainly right sends all of them through `decode`, one by one. So
what is refused, and why, is said there alone.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from voc_stream.events.decode import (
    DECODER,
    FURTHER_TIMES,
    MAXIMUM_FUTURE,
    decode,
    overflows,
    refuse_names,
)
from voc_stream.events.identifiers import IDENTIFIER_VALUES, are_event_ids
from voc_stream.events.raw import are_harmless
from voc_stream.events.types import RepairStep, Retraction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.refusal import Refusal
    from voc_stream.events.types import AnyEvent, AnyInput

# What stands between ids: no id that has no control character has it.
_END = "\n"


def decode_many(
    values: Sequence[bytes | None], now: datetime, catalogue: Catalogue
) -> Sequence[AnyInput | Refusal]:
    """What `decode` says of each of these messages, in their order."""
    found = _decoded(values)
    if found is None or not _are_plain(found, now, catalogue):
        return [decode(value, now, catalogue) for value in values]
    if catalogue.alias:
        found = [event.with_names(catalogue.alias) for event in found]
    return [
        event if type(event) is RepairStep else refuse_names(event, catalogue) or event
        for event in found
    ]


def _decoded(values: Sequence[bytes | None]) -> list[AnyEvent] | None:
    """The events, if no message has anything that would have to be looked at more closely."""
    present = [value for value in values if value]
    if not present or len(present) < len(values) or not are_harmless(present):
        return None
    try:
        found = list(map(DECODER.decode, present))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if Retraction in set(map(type, found)) else found  # type: ignore[return-value]  # no retraction is left


def _are_plain(events: Sequence[AnyEvent], now: datetime, catalogue: Catalogue) -> bool:
    """Whether the ids, times and stages of all events may be what they are.

    Their bytes are printable ASCII, so of ids only blanks at an end are left to be found.
    """
    times = [event.occurred_at for event in events]
    first, last = min(times), max(times)
    if (
        last - now > MAXIMUM_FUTURE
        or first < catalogue.plausible.earliest_occurred_at
        or overflows(first)
        or overflows(last)
    ):
        return False
    by_type: dict[type[AnyEvent], list[AnyEvent]] = {}
    for event in events:
        by_type.setdefault(type(event), []).append(event)
    ids = [each for kind, same in by_type.items() for each in map(IDENTIFIER_VALUES[kind], same)]
    texts = f"{_END}{_END.join(filter(None, chain.from_iterable(ids)))}{_END}"
    if f"{_END} " in texts or f" {_END}" in texts:  # a blank at an end
        return False
    if not are_event_ids([event.event_id for event in events]):
        return False
    steps = by_type.get(RepairStep, ())
    if not {step.stage for step in steps} <= catalogue.flow.stages.keys():  # type: ignore[attr-defined]  # a step has one
        return False
    return not any(
        time is not None and overflows(time)
        for kind, same in by_type.items()
        for name in FURTHER_TIMES[kind]
        for time in map(attrgetter(name), same)
    )
