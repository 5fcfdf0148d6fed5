from __future__ import annotations

import re
import sys
import unicodedata
from typing import Any

import builders
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.identifiers import (
    check_identifiers,
    identifier_problem,
    normalise_identifiers,
)
from voc_stream.events.refusal import Refusal
from voc_stream.events.types import INPUT_TYPES, AnyEvent
from voc_stream.events.types.fields import EVENT_ID_PATTERN, IDENTIFIER_PATTERN

CHARACTERS = st.sampled_from(
    'a顾é \\"\u00a0\u2028\U0001f600\t\n\r\x00\x01\x1f\x7f\x80\x85\x9f'
    "\u200b\u202e\ufeff\u0301\u3000\ufe0f\ufffd"
)
BODIES = {
    "callback": builders.callback,
    "complaint": builders.complaint,
    "repair_step": builders.repair_step,
    "touchpoint": builders.touchpoint,
    "customer": builders.customer,
}


def refused(body: dict[str, Any]) -> Refusal | None:
    checked = check_identifiers(msgspec.json.decode(builders.message(body), type=AnyEvent))
    return checked if isinstance(checked, Refusal) else None


def identifiers_of(event_type: str) -> list[str]:
    """The fields whose published schema has a pattern, read from it as any other program would."""
    struct = INPUT_TYPES[event_type]
    properties = msgspec.json.schema(struct)["$defs"][struct.__name__]["properties"]
    return [name for name, schema in properties.items() if "pattern" in str(schema)]


@pytest.mark.parametrize("event_type", BODIES)
@given(st.data())
def test_the_published_patterns_hold_in_every_field(event_type: str, data: st.DataObject) -> None:
    """Exactly what the schemas promise is refused, in each id of each type.

    Whatever stands in it.
    """
    name = data.draw(st.sampled_from(identifiers_of(event_type)))
    text = data.draw(st.text(CHARACTERS, min_size=1, max_size=8))
    pattern = EVENT_ID_PATTERN if name == "event_id" else IDENTIFIER_PATTERN
    refusal = refused(BODIES[event_type](**{name: text}))
    assert (refusal is None) == bool(re.search(pattern, text))
    assert refusal is None or (
        refusal.reason == "invalid_id" and refusal.detail.startswith(f"{name}: ")
    )


def test_the_advice_says_what_is_allowed() -> None:
    """An event's own id and all others differ in what they may have."""
    spaced, tabbed = (
        refused(builders.touchpoint("a b")),
        refused(builders.touchpoint(customer_id="a\t")),
    )
    assert spaced is not None
    assert spaced.detail == "event_id: may have only the characters A-Z a-z 0-9 . _ : -"
    assert tabbed is not None
    assert (
        tabbed.detail == "customer_id: has U+0009 (control character), which nobody sees; remove it"
    )
    assert identifier_problem("a\r\nb") == "has a line break; remove it"
    lost = identifier_problem("a\ufffdb")
    assert (
        lost
        == "has U+FFFD, which stands for a character that an earlier system could not read; export"
        " it again in UTF-8"
    )


def test_other_fields_may_hold_any_text() -> None:
    """What the customer said has line ends."""
    assert refused(builders.callback(text="first\nsecond\t\u0085")) is None


def test_nothing_that_nobody_sees_is_allowed() -> None:
    """Every character that this Python's Unicode knows as invisible is refused.

    Every control, every format (zero width, bidirectional, tags) and every blank but U+0020.
    """
    unseen = {"Cc", "Cf", "Zl", "Zp", "Zs"}
    allowed = [
        f"U+{point:04X}"
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in unseen
        and identifier_problem(f"a{chr(point)}b") is None
    ]
    assert allowed == ["U+0020"]


@pytest.mark.parametrize(
    "text", ["王 芳", "Łódź", "C-1/7 (b)", "顾客\U0001f600", "=SUM(1)", "\ue000", "a  b", "e\u0301"]
)
def test_what_everybody_sees_is_allowed(text: str) -> None:
    """Letters of any script, signs, pictures and the private characters of older encodings."""
    assert identifier_problem(text) is None


@pytest.mark.parametrize(
    "text", [" ", " a", "a ", "\u3000", "\u3000a", "a\u00a0b", "a\U000e0041", "a\ufffd", "a\u2800"]
)
def test_blanks_around_and_unseen_characters_are_refused(text: str) -> None:
    """In every id; a screen would show the same for two customers."""
    for name in ("customer_id", "site_id", "employee_id", "order_id"):
        refusal = refused(builders.touchpoint(**{name: text}))
        assert refusal is not None
        assert refusal.reason == "invalid_id"
        assert refusal.detail.startswith(f"{name}: ")


@pytest.mark.parametrize("event_type", BODIES)
def test_ids_become_the_composed_form(event_type: str) -> None:
    """The same letters put together differently are one id, in every id of every type.

    Texts stay as they are.
    """
    names = [name for name in identifiers_of(event_type) if name != "event_id"]
    composed, decomposed = (
        msgspec.json.decode(
            builders.message(BODIES[event_type](**dict.fromkeys(names, text))), type=AnyEvent
        )
        for text in ("Ren\u00e9 \uac00", "Rene\u0301 \u1100\u1161")
    )
    assert composed != decomposed
    assert (
        check_identifiers(decomposed)
        == normalise_identifiers(decomposed)
        == check_identifiers(composed)
        == composed
    )
    said = msgspec.json.decode(builders.message(builders.callback(text="e\u0301")), type=AnyEvent)
    assert check_identifiers(said) == said


def test_id_that_grows_beyond_its_limit_is_refused() -> None:
    """A few characters are longer in the composed form, and no table would hold them."""
    refusal = refused(builders.touchpoint(customer_id="\ufb2c" * 64))
    assert refusal == Refusal(
        "too_long",
        "customer_id: has more than 64 characters in Unicode's normal form C; shorten it",
    )


def test_what_was_accepted_once_is_not_refused_later() -> None:
    """A stored event keeps ids that would be refused today."""
    event = msgspec.json.decode(
        builders.message(builders.touchpoint(customer_id=" a\u200b")), type=AnyEvent
    )
    assert normalise_identifiers(event) is event
