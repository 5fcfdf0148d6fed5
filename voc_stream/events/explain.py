"""Explains the decoder's error messages: as reasons, and as sentences that say what to do.

msgspec tells its errors apart by their text only, so the one table below depends on its wording; a
test produces each of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args, get_origin, get_type_hints

from voc_stream.events.refusal import Reason, Refusal, quote
from voc_stream.events.types import INPUT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping


def _allowed_values() -> Mapping[str, tuple[object, ...]]:
    """The words of each field that has its own, whatever the type of event."""
    found: dict[str, dict[object, None]] = {}
    for struct in INPUT_TYPES.values():
        for name, hint in get_type_hints(struct).items():
            for option in (hint, *get_args(hint)):
                if get_origin(option) is Literal:
                    found.setdefault(name, {}).update(dict.fromkeys(get_args(option)))
    return {name: tuple(values) for name, values in found.items()}


ALLOWED_VALUES = _allowed_values()

_TYPE_NAMES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "datetime": "a string with an RFC 3339 time",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_FOUND_TYPE_NAMES = _TYPE_NAMES | {"float": "a number with a decimal point or exponent"}

_MESSAGES: tuple[tuple[str, Reason, str], ...] = (
    (r"Object missing required field `(?P<field>\w+)`", "missing_field", "is missing; add it"),
    (
        r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`",
        "wrong_type",
        "must be {expected}, not {got}",
    ),
    (r"Expected `(?P<expected>str)`", "wrong_type", "must be {expected}"),
    (
        r"Expected `str` of length >= \d+",
        "invalid_id",
        "must not be empty; leave an optional field out where nothing is known",
    ),
    (r"Expected `array` of length >= 1", "out_of_range", "must not be empty"),
    (
        r"Expected `array` of length <= (?P<limit>\d+)",
        "out_of_range",
        "must have at most {limit} entries; send several messages",
    ),
    (
        r"Expected `str` of length <= (?P<limit>\d+)",
        "too_long",
        "must have at most {limit} characters; shorten it",
    ),
    (r"Expected `(?:int|float)` >= (?P<limit>\S+)", "out_of_range", "must be at least {limit}"),
    (r"Expected `(?:int|float)` <= (?P<limit>\S+)", "out_of_range", "must be at most {limit}"),
    (r"Number out of range", "out_of_range", "is too large a number"),
    (
        r"Invalid enum value (?P<value>.*)",
        "unknown_value",
        "{value} is not allowed; use one of: {allowed}",
    ),
    (
        r"Invalid value (?P<value>.*)",
        "unknown_type",
        "{value} is no type of event; use one of: {allowed}",
    ),
    (
        r"Expected `datetime` with a timezone component",
        "time_without_offset",
        "has no offset; append Z or one like +08:00",
    ),
    (
        r"Invalid RFC3339 encoded datetime",
        "invalid_time",
        "must be an existing time as in 2025-05-04T09:30:00+08:00",
    ),
)
_TABLE = tuple(
    (re.compile(pattern, re.DOTALL), reason, advice) for pattern, reason, advice in _MESSAGES
)

_EVENT_TYPES = tuple(INPUT_TYPES)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def explain_invalid_json(message: str, value: bytes) -> Refusal:
    """Why `value` is not JSON, from msgspec's `message`."""
    if b"\0" in value:
        return Refusal("nul_character", f"byte {value.index(0)} is NUL; send UTF-8 text without it")
    if value.startswith(_BYTE_ORDER_MARK):
        return Refusal("invalid_json", "begins with a byte order mark; send UTF-8 without one")
    cause = message.removeprefix("JSON is malformed: ")
    if "trailing characters" in cause:
        cause += "; send one event in each message, and write one a line"
    elif b"NaN" in value or b"Infinity" in value:
        cause += "; JSON has no NaN and no Infinity, leave such a field out"
    return Refusal("invalid_json", f"not JSON: {cause}")


def explain_invalid_event(message: str) -> Refusal:
    """Why a JSON value is no event, from msgspec's `message`.

    >>> explain_invalid_event("Expected `float` <= 10.0 - at `$.answers[2].score`")
    Refusal(reason='out_of_range', detail='answers[2].score: must be at most 10')
    """
    cause, separator, place = message.rpartition(" - at `$")
    path = place.rstrip("`").removeprefix(".") if separator else ""
    cause = cause if separator else message
    for pattern, reason, advice in _TABLE:
        if match := pattern.fullmatch(cause):
            return Refusal(reason, _sentence(path, advice, match.groupdict()))
    return Refusal(
        "wrong_type", f"{path or 'the message'}: {quote(cause)}"
    )  # a message that the table does not know yet


def _sentence(path: str, advice: str, found: dict[str, str]) -> str:
    if "field" in found:
        path = ".".join(filter(None, (path, found["field"])))
    words: dict[str, object] = dict(found)
    if "value" in found:
        words["value"] = _unquoted(found["value"])
        words["allowed"] = ", ".join(
            map(str, _EVENT_TYPES if path == "type" else ALLOWED_VALUES.get(path, ()))
        )
    if "expected" in found:
        words["expected"] = " or ".join(
            _TYPE_NAMES.get(name, name) for name in found["expected"].split(" | ")
        )
    if "got" in found:
        words["got"] = _FOUND_TYPE_NAMES.get(found["got"], found["got"])
    if "limit" in found:
        words["limit"] = f"{float(found['limit']):,.15g}"
    return f"{path or 'the message'}: {advice.format_map(words)}"


def _unquoted(value: str) -> str:
    return quote(value[1:-1]) if value[:1] in "'\"" else quote(value)
