"""That no bytes at all make `decode` raise."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import builders
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.events.decode import decode
from voc_stream.events.decode_many import decode_many
from voc_stream.events.refusal import Reason, Refusal
from voc_stream.events.types import AnyInput
from voc_stream.events.types.base import Event

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

NOW = datetime(2025, 6, 1, tzinfo=UTC)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_arbitrary_bytes_never_raise(catalogue: Catalogue, value: bytes) -> None:
    """A message that is nonsense costs itself alone."""
    assert_well_formed(decode(value, NOW, catalogue))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2025-05-01T08:00:00Z", "overall"]),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = sorted(
    {field for type_ in get_args(AnyInput) for field in type_.__struct_fields__}
    | {"type", "invented"}
)


@given(builders.event_lists(max_size=1), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_event_with_any_values_never_raises(
    catalogue: Catalogue, events: list[dict[str, Any]], others: dict[str, Any]
) -> None:
    """Whatever JSON value a field has, the answer is an event or a refusal."""
    for fields in events:
        value = json.dumps({**fields, **others}).encode()
        found = decode(value, NOW, catalogue)
        assert_well_formed(found)
        assert decode_many([value], NOW, catalogue) == [found]


@given(
    builders.event_lists(max_size=1),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 10), st.binary(max_size=6)), max_size=3),
)
def test_mutated_event_never_raises(
    catalogue: Catalogue, events: list[dict[str, Any]], changes: list[tuple[int, int, bytes]]
) -> None:
    """A valid message with bytes replaced, removed or put in is an event or is refused."""
    for value in builders.messages(events):
        changed = value
        for place, removed, added in changes:
            changed = changed[:place] + added + changed[place + removed :]
        found = decode(changed, NOW, catalogue)
        assert_well_formed(found)
        others = [decode(value, NOW, catalogue), found]
        assert decode_many([value, changed], NOW, catalogue) == others


def assert_well_formed(found: AnyInput | Refusal) -> None:
    if isinstance(found, Refusal):
        assert found.reason in get_args(Reason)
        assert found.detail.isprintable()
        assert len(found.detail) < 240
    else:
        assert isinstance(found, Event)
