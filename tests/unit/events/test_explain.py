from __future__ import annotations

from typing import TYPE_CHECKING, Any

import builders
import msgspec
import pytest

from voc_stream.events import explain
from voc_stream.events.explain import ALLOWED_VALUES, explain_invalid_event, explain_invalid_json
from voc_stream.events.types import INPUT_TYPES, AnyInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voc_stream.events.refusal import Reason

# One message for each row of the table, in its order.
ROWS: list[tuple[bytes, Reason, str]] = [
    (
        builders.message(builders.touchpoint(site_id=None)),
        "missing_field",
        "site_id: is missing; add it",
    ),
    (
        builders.message(builders.touchpoint(score="7")),
        "wrong_type",
        "score: must be a number, not a string",
    ),
    (builders.message(builders.touchpoint(type=3)), "wrong_type", "type: must be a string"),
    (
        builders.message(builders.touchpoint("")),
        "invalid_id",
        "event_id: must not be empty; leave an optional field out where nothing is known",
    ),
    (
        builders.message(builders.retraction(event_ids=[])),
        "out_of_range",
        "event_ids: must not be empty",
    ),
    (
        builders.message(builders.retraction(event_ids=["t-1"] * 1001)),
        "out_of_range",
        "event_ids: must have at most 1,000 entries; send several messages",
    ),
    (
        builders.message(builders.touchpoint("e" * 65)),
        "too_long",
        "event_id: must have at most 64 characters; shorten it",
    ),
    (builders.message(builders.touchpoint(score=-1)), "out_of_range", "score: must be at least 0"),
    (
        builders.message(builders.customer(annual_value=1e13)),
        "out_of_range",
        "annual_value: must be at most 1,000,000,000,000",
    ),
    (
        builders.message(builders.touchpoint(score=10**400)),
        "out_of_range",
        "score: is too large a number",
    ),
    (
        builders.message(builders.repair_step(edge="start")),
        "unknown_value",
        "edge: 'start' is not allowed; use one of: enter, exit",
    ),
    (
        builders.message(builders.touchpoint(type="survey")),
        "unknown_type",
        f"type: 'survey' is no type of event; use one of: {', '.join(INPUT_TYPES)}",
    ),
    (
        builders.message(builders.touchpoint(occurred_at="2025-05-01T08:00:00")),
        "time_without_offset",
        "occurred_at: has no offset; append Z or one like +08:00",
    ),
    (
        builders.message(builders.touchpoint(occurred_at="1 May")),
        "invalid_time",
        "occurred_at: must be an existing time as in 2025-05-04T09:30:00+08:00",
    ),
]


def message_of(value: bytes, type_: Any = AnyInput) -> str:
    """What msgspec says about `value`."""
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(value, type=type_)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "case"),
    list(zip(explain._TABLE, ROWS, strict=True)),
    ids=[reason + str(row) for row, (_, reason, _) in enumerate(ROWS)],
)
def test_each_row_meets_the_message_it_was_made_for(
    row: tuple[Any, str, str], case: tuple[bytes, str, str]
) -> None:
    """The decoder tells errors apart by their text only.

    A release that words one differently is noticed here.
    """
    value, reason, detail = case
    assert row[0].fullmatch(message_of(value).rpartition(" - at `$")[0] or message_of(value))
    assert explain_invalid_event(message_of(value)) == (reason, detail)


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (
            builders.callback(recommend=9.5),
            (
                "recommend: must be a whole number or null, not a number with a decimal point or"
                " exponent"
            ),
        ),
        (builders.callback(recommend=11), "recommend: must be at most 10"),
        (builders.callback(recommend=-1), "recommend: must be at least 0"),
        (builders.callback(answers={}), "answers: must be an array, not an object"),
        (builders.callback(answers=["overall"]), "answers[0]: must be an object, not a string"),
        (
            builders.callback(answers=[{"item": "followed_up", "done": 1}]),
            "answers[0].done: must be true or false or null, not a whole number",
        ),
        (
            builders.touchpoint(occurred_at=1746086400),
            "occurred_at: must be a string with an RFC 3339 time, not a whole number",
        ),
        (
            builders.touchpoint(schema_version="1"),
            "schema_version: must be a whole number, not a string",
        ),
    ],
)
def test_detail_names_types_as_people_do(fields: builders.Event, detail: str) -> None:
    """A sender who does not know this program's language understands the detail."""
    assert explain_invalid_event(message_of(builders.message(fields))).detail == detail


def test_what_is_no_object_is_called_the_message() -> None:
    """A detail without a field still says what it is about."""
    assert explain_invalid_event(message_of(b"[]")) == (
        "wrong_type",
        "the message: must be an object, not an array",
    )


def test_message_that_the_table_does_not_know_is_still_a_refusal() -> None:
    """A new wording costs a vaguer reason, never an exception."""
    assert explain_invalid_event("Quite new - at `$.answers[0]`") == (
        "wrong_type",
        "answers[0]: 'Quite new'",
    )


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (b"{", "truncated"),
        (b'{"a": 1}{"a": 2}', "send one event in each message, and write one a line"),
        (b'{"a": NaN}', "leave such a field out"),
        (b'{"a": -Infinity}', "leave such a field out"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": 01}', "byte 7"),
    ],
)
def test_invalid_json_is_explained(value: bytes, part: str) -> None:
    """The common ways not to write JSON each have their advice."""
    found = explain_invalid_json(message_of(value, Any), value)
    assert found.reason == "invalid_json"
    assert part in found.detail


def enumerations(schema: object) -> Iterator[tuple[str, list[object]]]:
    """Name and words of each property that is an enumeration, tags aside."""
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            words = [
                choice["enum"] for choice in [field, *field.get("anyOf", [])] if "enum" in choice
            ]
            if words and name != "type":
                yield name, [word for word in words[0] if word is not None]
        for child in schema.values():
            yield from enumerations(child)


def test_words_of_every_enumeration_are_listed() -> None:
    """A detail about an unknown word lists the known ones, of whatever field."""
    found = {
        name: tuple(sorted(map(str, words)))
        for event in INPUT_TYPES.values()
        for name, words in enumerations(msgspec.json.schema(event))
    }
    assert found == {name: tuple(sorted(map(str, words))) for name, words in ALLOWED_VALUES.items()}
