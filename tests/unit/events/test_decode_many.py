"""That many messages at once say what each says alone: `test_decode` compares all its cases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import builders
import msgspec
import pytest
from hypothesis import given

from voc_stream.events import decode_many as module
from voc_stream.events.decode import decode
from voc_stream.events.decode_many import decode_many
from voc_stream.events.refusal import Refusal

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

NOW = datetime(2025, 6, 1, tzinfo=UTC)


@given(builders.event_lists(max_size=6))
def test_many_are_read_as_each_is(catalogue: Catalogue, events: list[dict[str, Any]]) -> None:
    """Whatever the events are, and in whatever order they come."""
    values = builders.messages(events)
    assert decode_many(values, NOW, catalogue) == [decode(one, NOW, catalogue) for one in values]


def test_what_is_plainly_right_is_not_looked_at_one_by_one(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why it is cheap; one that is not sends all of them there, and is refused alone."""
    values = [builders.message(builders.repair_step(f"r-{number}")) for number in range(3)]
    alone = []

    def counted(value: bytes | None, *rest: Any) -> Any:
        alone.append(value)
        return decode(value, *rest)

    monkeypatch.setattr(module, "decode", counted)
    assert len(decode_many(values, NOW, catalogue)) == 3
    assert not alone
    found = decode_many([*values, b"no event"], NOW, catalogue)
    assert [isinstance(one, Refusal) for one in found] == [False, False, False, True]
    assert alone == [*values, b"no event"]


def test_old_names_become_todays(catalogue: Catalogue) -> None:
    """An experience that was renamed since is read under its new name."""
    renamed = msgspec.structs.replace(catalogue, alias={"general": "overall"})
    (found,) = decode_many(
        [builders.message(builders.touchpoint(experience="general"))], NOW, renamed
    )
    assert found.experience == "overall"  # type: ignore[union-attr]  # it would be refused


@pytest.mark.parametrize("customer", [" u-1", "u-1 ", "u 1", "\u200bu-1", "e\u0301"])
def test_ids_are_checked_in_any_company(catalogue: Catalogue, customer: str) -> None:
    """Blanks at an end, and what nobody sees, are found in one id among many."""
    values = [
        builders.message(builders.touchpoint(f"v-{number}", customer_id=each))
        for number, each in enumerate(["u-0", customer, "u-2"])
    ]
    assert decode_many(values, NOW, catalogue) == [decode(one, NOW, catalogue) for one in values]


def test_no_messages_are_no_events(catalogue: Catalogue) -> None:
    """Nothing is read of nothing."""
    assert decode_many([], NOW, catalogue) == []
