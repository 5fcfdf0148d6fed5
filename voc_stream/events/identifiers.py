"""Decides which ids are the same, and which characters they may have.

Ids that look alike must not be different customers. An invisible character is refused, not removed:
the sender's own system tells such ids apart, and only the sender knows whether it means to. The
same letters may be put together in several ways. Such ids are the same to everybody, and become
Unicode's normal form C. Nearly every id is plain ASCII and costs a few comparisons.
"""

from __future__ import annotations

import re
import unicodedata
from operator import attrgetter
from typing import TYPE_CHECKING, get_args

import msgspec

from voc_stream.events.refusal import Refusal
from voc_stream.events.types import AnyEvent, AnyInput, Retraction
from voc_stream.events.types.fields import (
    EVENT_ID_PATTERN,
    IDENTIFIER_PATTERN,
    INVISIBLE,
    MAXIMUM_IDENTIFIER_LENGTH,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voc_stream.events.types.base import Event

_is_event_id = re.compile(EVENT_ID_PATTERN).match
_find_event_ids = re.compile(r"[A-Za-z0-9._:\-]+(?:\n[A-Za-z0-9._:\-]+)*+(?!.|\n)").match
_find_invisible = re.compile(
    rf"[{INVISIBLE}\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
).search
_EVENT_ID_RULE = "may have only the characters A-Z a-z 0-9 . _ : -"


def check_identifiers(event: AnyInput) -> AnyInput | Refusal:
    """The event with its ids in normal form, or a refusal of the first id that may not be one."""
    if not _is_event_id(event.event_id):
        return Refusal("invalid_id", f"event_id: {_EVENT_ID_RULE}")
    if isinstance(event, Retraction):
        return _checked_retraction(event)
    kind = type(event)
    for text in IDENTIFIER_VALUES[kind](event):
        if text is not None and not (
            text.isascii() and text.isprintable() and text[0] != " " != text[-1]
        ):
            return _checked(event, kind)
    return event


def are_event_ids(texts: Sequence[str]) -> bool:
    r"""Whether each of these texts may be the id of an event.

    >>> are_event_ids(["e-1", "e:2"]), are_event_ids(["e-1", "e 2"]), are_event_ids(["e-1\\n"])
    (True, False, False)
    """
    found = _find_event_ids("\n".join(texts))
    return found is not None and found[0].count("\n") == len(texts) - 1


def normalise_identifiers(event: AnyEvent) -> AnyEvent:
    """The event with its ids in normal form, whatever else stands in them.

    It is for events that were accepted before.
    """
    kind = type(event)
    if all(text is None or text.isascii() for text in IDENTIFIER_VALUES[kind](event)):
        return event
    return _normalised(event, kind)


def identifier_problem(text: str) -> str | None:
    r"""Why the text is no id, or None; it is not empty.

    >>> identifier_problem("c-1\u200b")
    'has U+200B (ZERO WIDTH SPACE), which nobody sees; remove it'
    >>> identifier_problem("王 芳")
    """
    if text[0] == " " or text[-1] == " ":
        return "begins or ends with a blank; remove it"
    if found := _find_invisible(text):
        if found[0] in "\r\n":
            return "has a line break; remove it"
        if found[0] == "\ufffd":
            return (
                "has U+FFFD, which stands for a character that an earlier system could not read;"
                " export it again in UTF-8"
            )
        name = unicodedata.name(
            found[0], "control character" if found[0] < "\u00a0" else "no character"
        )
        return f"has U+{ord(found[0]):04X} ({name}), which nobody sees; remove it"
    return None


def _checked_retraction(retraction: Retraction) -> Retraction | Refusal:
    for place, event_id in enumerate(retraction.event_ids):
        if not _is_event_id(event_id):
            return Refusal("invalid_id", f"event_ids[{place}]: {_EVENT_ID_RULE}")
    return retraction


def _checked(event: AnyEvent, kind: type[Event]) -> AnyEvent | Refusal:
    for name in _IDENTIFIERS[kind]:
        text = getattr(event, name)
        if text is not None and (problem := identifier_problem(text)):
            return Refusal("invalid_id", f"{name}: {problem}")
    event = _normalised(event, kind)
    for name in _IDENTIFIERS[kind]:
        text = getattr(event, name)
        if text is not None and len(text) > MAXIMUM_IDENTIFIER_LENGTH:
            return Refusal(
                "too_long",
                f"{name}: has more than {MAXIMUM_IDENTIFIER_LENGTH} characters in Unicode's normal"
                f" form C; shorten it",
            )
    return event


def _normalised(event: AnyEvent, kind: type[Event]) -> AnyEvent:
    values = {name: getattr(event, name) for name in _IDENTIFIERS[kind]}
    changes = {
        name: unicodedata.normalize("NFC", text)
        for name, text in values.items()
        if text is not None and not unicodedata.is_normalized("NFC", text)
    }
    return msgspec.structs.replace(event, **changes) if changes else event


def _identifiers_of(struct: type[Event]) -> tuple[str, ...]:
    """The fields that are identifiers: those for which the schema publishes the pattern."""
    properties = msgspec.json.schema(struct)["$defs"][struct.__name__]["properties"]
    return tuple(
        name
        for name, schema in properties.items()
        if any(
            option.get("pattern") == IDENTIFIER_PATTERN for option in schema.get("anyOf", [schema])
        )
    )


_IDENTIFIERS: Mapping[type[Event], tuple[str, ...]] = {
    struct: _identifiers_of(struct) for struct in get_args(AnyEvent)
}
# attrgetter gives a tuple for two names or more, so the first name stands twice.
IDENTIFIER_VALUES: Mapping[type[Event], Callable[[Event], tuple[str | None, ...]]] = {
    struct: attrgetter(names[0], *names) if names else lambda _: ()
    for struct, names in _IDENTIFIERS.items()
}
