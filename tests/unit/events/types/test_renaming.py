from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builders import START, callback, complaint, message, repair_step, touchpoint
from msgspec.structs import replace

from voc_stream.catalogue.load import load_catalogue
from voc_stream.events.decode import Refusal, decode, decode_stored
from voc_stream.events.types import Retraction

if TYPE_CHECKING:
    from voc_stream.events.types import AnyInput

ALIAS = {"old": "overall", "older": "overall", "asked": "advice_given"}
CATALOGUE = replace(load_catalogue(), alias=ALIAS)
NOW = START + timedelta(days=1)


def read(event: dict[str, object]) -> AnyInput | Refusal:
    return decode(message(event), NOW, CATALOGUE)


def test_an_old_name_is_read_as_the_new_one() -> None:
    """Wherever an event names an experience, and in what is stored alike."""
    for old, new in (
        (touchpoint(experience="old"), touchpoint(experience="overall")),
        (complaint(category="older"), complaint(category="overall")),
        (
            callback(
                answers=[
                    {"item": "old", "score": 3},
                    {"item": "asked", "done": True},
                    {"item": "repair_quality", "score": 4},
                ]
            ),
            callback(
                answers=[
                    {"item": "overall", "score": 3},
                    {"item": "advice_given", "done": True},
                    {"item": "repair_quality", "score": 4},
                ]
            ),
        ),
    ):
        assert read(old) == read(new)
        assert not isinstance(read(old), Refusal)
        assert decode_stored(message(old), ALIAS) == read(new)


def test_an_event_without_an_old_name_is_left_as_it_is() -> None:
    """Nothing is copied."""
    for event in (
        touchpoint(),
        complaint(),
        repair_step(),
        callback(answers=[{"item": "overall", "score": 3}]),
    ):
        found = read(event)
        assert not isinstance(found, Refusal | Retraction)
        assert found.with_names(ALIAS) is found


def test_one_experience_under_both_names_is_a_repetition() -> None:
    """A callback answers each once."""
    found = read(callback(answers=[{"item": "old", "score": 3}, {"item": "overall", "score": 4}]))
    assert isinstance(found, Refusal)
    assert found.reason == "repeated_item"
