"""Says why a message is refused: short stable codes for machines, and what they mean for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Reason = Literal[
    "empty",
    "too_large",
    "too_deep",
    "invalid_utf8",
    "nul_character",
    "lone_surrogate",
    "invalid_json",
    "unknown_type",
    "missing_field",
    "wrong_type",
    "out_of_range",
    "unknown_value",
    "too_long",
    "invalid_id",
    "invalid_time",
    "time_without_offset",
    "time_in_future",
    "implausible_time",
    "unknown_item",
    "unknown_stage",
    "wrong_kind",
    "repeated_item",
    "conflicting_event",
    "storage",
    "processing_failed",
    "unreadable_batch",
]

MEANINGS: Mapping[Reason, str] = {
    "empty": "There is no value (a tombstone) or it has no bytes.",
    "too_large": "The message is larger than 256 KiB, or it came in a batch that unpacks to more"
    " than 64 MiB.",
    "too_deep": "Arrays and objects are nested more than 32 deep.",
    "invalid_utf8": "The bytes are not UTF-8.",
    "nul_character": "A string holds U+0000, as a byte or written \\u0000; PostgreSQL cannot store"
    " it.",
    "lone_surrogate": "A string holds half of a surrogate pair, as when an emoji is cut in two;"
    " PostgreSQL cannot store it.",
    "invalid_json": "The text is not one JSON value.",
    "unknown_type": "The type is none of the event types.",
    "missing_field": "A required field is absent.",
    "wrong_type": "A value has another JSON type than its field.",
    "out_of_range": "A number, a time or the length of a list is outside the range of its field, or"
    " PostgreSQL cannot store the number.",
    "unknown_value": "A value is none of the words that its field allows.",
    "too_long": "A string has more characters than its field allows.",
    "invalid_id": "An id is empty, begins or ends with a blank, or has characters that are not"
    " allowed, such as those that nobody sees.",
    "invalid_time": "A time is not written as RFC 3339 says.",
    "time_without_offset": "A time has no offset from UTC.",
    "time_in_future": "occurred_at is more than 10 minutes in the future.",
    "implausible_time": "occurred_at is earlier than the catalogue believes (2001, unless it says"
    " otherwise): a clock that was never set.",
    "unknown_item": "An answer, a touchpoint or a complaint names an experience that the catalogue"
    " does not have.",
    "unknown_stage": "A repair step names a stage that the catalogue's flow does not have.",
    "wrong_kind": "A score is given for what is no rating, or done for what is no process item.",
    "repeated_item": "Two answers of one callback have the same item.",
    "conflicting_event": "The event_id came before with other content; the first one counts.",
    "storage": "PostgreSQL refused the event although it is well formed; the detail says why.",
    "processing_failed": "Taking it in failed again and again, alone, while PostgreSQL was well;"
    " the detail says how.",
    "unreadable_batch": "Kafka holds a batch of messages here that cannot be read; the detail says"
    " which offsets, and why.",
}

_LONGEST_ECHO = 60


class Refusal(NamedTuple):
    """Why a message is no event.

    It has a code that does not change, and a sentence that says where and what to do.
    """

    reason: Reason
    detail: str


def quote(text: str) -> str:
    r"""`text` as it may stand in a detail: no control characters, and cut if it is long.

    >>> quote("a\x1b[31m")
    "'a\\x1b[31m'"
    >>> len(quote("x" * 1000))
    62
    """
    return repr(text if len(text) <= _LONGEST_ECHO else text[: _LONGEST_ECHO - 3] + "...")
