"""Makes messages that are no events: one of each kind of mistake that producers make."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from voc_stream.events.decode import MAXIMUM_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from voc_stream.events.refusal import Reason

NESTING_DEPTH = 100_000

Fields = dict[str, Any]


def sound_callback(event_id: str, customer_id: str, moment: datetime) -> Fields:
    """The fields of a valid callback, to be broken."""
    return {
        "type": "callback",
        "event_id": event_id,
        "occurred_at": moment,
        "customer_id": customer_id,
        "site_id": "shop-01",
        "outcome": "completed",
        "answers": [{"item": "overall", "score": 9.0}],
    }


def _json(fields: Fields, **changed: Any) -> bytes:
    return msgspec.json.encode({**fields, **changed})


def _with_raw_score(fields: Fields, score: bytes) -> bytes:
    """Put in what no JSON encoder would write."""
    return _json(fields).replace(b'"score":9.0', b'"score":' + score)


def _without_offset(fields: Fields) -> bytes:
    return _json(fields, occurred_at=fields["occurred_at"].replace(tzinfo=None).isoformat())


def _deeply_nested(fields: Fields) -> bytes:
    return _json(fields)[:-1] + b',"extra":' + b"[" * NESTING_DEPTH + b"]" * NESTING_DEPTH + b"}"


# A mistake -> the reason with which it must be refused, and what makes it of sound fields and the
# length of a huge string.
_MISTAKES: dict[str, tuple[Reason, Callable[[Fields, int], bytes | None]]] = {
    "cut off": ("invalid_json", lambda fields, _: _json(fields)[:-20]),
    "misspelt type": ("unknown_type", lambda fields, _: _json(fields, type="callbak")),
    "text for a list": ("wrong_type", lambda fields, _: _json(fields, answers="none")),
    "no site": (
        "missing_field",
        lambda fields, _: _json(
            {name: value for name, value in fields.items() if name != "site_id"}
        ),
    ),
    "misspelt item": (
        "unknown_item",
        lambda fields, _: _json(fields, answers=[{"item": "overal", "score": 9.0}]),
    ),
    "score of 95": (
        "out_of_range",
        lambda fields, _: _json(fields, answers=[{"item": "overall", "score": 95}]),
    ),
    "score of NaN": ("invalid_json", lambda fields, _: _with_raw_score(fields, b"NaN")),
    "score of 1e400": ("out_of_range", lambda fields, _: _with_raw_score(fields, b"1e400")),
    "huge string": ("too_long", lambda fields, length: _json(fields, text="x" * length)),
    "deep nesting": ("too_deep", lambda fields, _: _deeply_nested(fields)),
    "Latin-1": (
        "invalid_utf8",
        lambda fields, _: _json(fields, text="?").replace(b'"?"', b'"\xfcber"'),
    ),
    "NUL": ("nul_character", lambda fields, _: _json(fields, text="\x00")),
    "local time": ("time_without_offset", lambda fields, _: _without_offset(fields)),
    "wrong century": (
        "time_in_future",
        lambda fields, _: _json(
            fields, occurred_at=fields["occurred_at"] + timedelta(days=365 * 100)
        ),
    ),
    "no bytes": ("empty", lambda _fields, _: b""),
    "tombstone": ("empty", lambda _fields, _: None),
    "long id": ("too_long", lambda fields, _: _json(fields, customer_id="c" * 65)),
}

MISTAKES = tuple(_MISTAKES)


class BrokenValue(NamedTuple):
    """The bytes of a broken message, and the reason with which it must be refused.

    None is a tombstone.
    """

    reason: Reason
    value: bytes | None


def break_callback(mistake: str, fields: Fields, huge_string_bytes: int) -> BrokenValue:
    """Make one of MISTAKES in the fields of a sound callback.

    A huge string of more than 256 KiB makes the whole message too large, which is refused as
    `too_large`.

    >>> from datetime import UTC, datetime
    >>> sound = sound_callback("e-1", "c-1", datetime(2025, 3, 1, tzinfo=UTC))
    >>> break_callback("long id", sound, 10).reason
    'too_long'
    """
    reason, make = _MISTAKES[mistake]
    value = make(fields, huge_string_bytes)
    return BrokenValue(
        "too_large" if value and len(value) > MAXIMUM_MESSAGE_BYTES else reason, value
    )
