from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import builders
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.documents import EVENT_TYPES
from voc_stream.events.identifiers import refuse_identifiers
from voc_stream.events.types import EVENT_ID_PATTERN, IDENTIFIER_PATTERN, AnyEvent

if TYPE_CHECKING:
    from voc_stream.events.refusal import Refusal

CHARACTERS = st.sampled_from('a顾é \\"\u00a0\u2028\U0001f600\t\n\r\x00\x01\x1f\x7f\x80\x85\x9f')
BODIES = {
    "callback": builders.callback,
    "complaint": builders.complaint,
    "repair_step": builders.repair_step,
    "touchpoint": builders.touchpoint,
    "customer": builders.customer,
}


def refused(body: dict[str, Any]) -> Refusal | None:
    value = builders.message(body)
    return refuse_identifiers(msgspec.json.decode(value, type=AnyEvent), value)


def identifiers_of(event_type: str) -> list[str]:
    """The fields whose published schema has a pattern, read from it as any other program would."""
    struct = EVENT_TYPES[event_type]
    properties = msgspec.json.schema(struct)["$defs"][struct.__name__]["properties"]
    return [name for name, schema in properties.items() if "pattern" in str(schema)]


@pytest.mark.parametrize("event_type", BODIES)
@given(st.data())
def test_the_published_patterns_hold_in_every_field(event_type: str, data: st.DataObject) -> None:
    """Exactly what the schemas promise is refused, in each id of each type, whatever stands in it."""
    name = data.draw(st.sampled_from(identifiers_of(event_type)))
    text = data.draw(st.text(CHARACTERS, min_size=1, max_size=8))
    pattern = EVENT_ID_PATTERN if name == "event_id" else IDENTIFIER_PATTERN
    refusal = refused(BODIES[event_type](**{name: text}))
    assert (refusal is None) == bool(re.search(pattern, text))
    assert refusal is None or (refusal.reason == "invalid_id" and refusal.detail.startswith(f"{name}: "))


def test_the_advice_says_what_is_allowed() -> None:
    """An event's own id and all others differ in what they may have."""
    spaced, tabbed = refused(builders.touchpoint("a b")), refused(builders.touchpoint(customer_id="a\t"))
    assert spaced is not None
    assert spaced.detail == "event_id: may have only the characters A-Z a-z 0-9 . _ : -"
    assert tabbed is not None
    assert tabbed.detail == "customer_id: must have no control characters, such as tabs or line ends"


def test_other_fields_may_hold_any_text() -> None:
    """What the customer said has line ends."""
    assert refused(builders.callback(text="first\nsecond\t\u0085")) is None
