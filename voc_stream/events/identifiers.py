"""Which characters ids may have. Nearly every message passes after one match and three searches that run in compiled code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import msgspec

from voc_stream.events.refusal import Refusal
from voc_stream.events.types import EVENT_ID_PATTERN, IDENTIFIER_PATTERN, AnyEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.events.types import Event

_is_event_id = re.compile(EVENT_ID_PATTERN).match
_is_identifier = re.compile(IDENTIFIER_PATTERN).match
_DELETE = b"\x7f"
_CONTROL_BEYOND_ASCII = re.compile(rb"\xc2[\x80-\x9f]")


def refuse_identifiers(event: Event, value: bytes) -> Refusal | None:
    """The first id of `event` that has a character which no id may have; `value` is the JSON that it was decoded from."""
    if not _is_event_id(event.event_id):
        return Refusal("invalid_id", "event_id: may have only the characters A-Z a-z 0-9 . _ : -")
    # JSON lets a control character below U+0020 into a string only as an escape.
    if b"\\" not in value and _DELETE not in value and (value.isascii() or not _CONTROL_BEYOND_ASCII.search(value)):
        return None
    for name in _IDENTIFIERS[type(event)]:
        identifier = getattr(event, name)
        if identifier is not None and not _is_identifier(identifier):
            return Refusal("invalid_id", f"{name}: must have no control characters, such as tabs or line ends")
    return None


def _identifiers_of(struct: type[Event]) -> tuple[str, ...]:
    """The fields that are identifiers, also optional ones, told by the pattern that the schema publishes for them."""
    properties = msgspec.json.schema(struct)["$defs"][struct.__name__]["properties"]
    return tuple(
        name
        for name, schema in properties.items()
        if any(option.get("pattern") == IDENTIFIER_PATTERN for option in schema.get("anyOf", [schema]))
    )


_IDENTIFIERS: Mapping[type[Event], tuple[str, ...]] = {struct: _identifiers_of(struct) for struct in get_args(AnyEvent)}
