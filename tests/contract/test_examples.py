from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import jsonschema
import pytest

from voc_stream.events.decode import decode
from voc_stream.events.refusal import Reason, Refusal
from voc_stream.events.types import INPUT_TYPES

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyInput

SCHEMAS = Path(__file__).parents[2] / "schemas"
VALID = sorted(SCHEMAS.glob("examples/*/valid/*.json"))
INVALID = sorted(SCHEMAS.glob("examples/*/invalid/*.json"))
NOW = datetime(2025, 6, 1, tzinfo=UTC)

# These concern bytes or sizes that a text file for people cannot show.
WITHOUT_EXAMPLE = {
    "too_large",
    "invalid_utf8",
    "conflicting_event",
    "storage",
    "processing_failed",
    "unreadable_batch",
}
# A schema can say these, except of times and of fields that it does not name.
IN_SCHEMA = {
    "unknown_type",
    "missing_field",
    "wrong_type",
    "out_of_range",
    "unknown_value",
    "too_long",
    "invalid_id",
}
BEYOND_SCHEMA = {
    "out_of_range.before_year_1",
    "out_of_range.promised_after_year_9999",
    "out_of_range.unknown_field_of_1e200000",
}
SCHEMA_INVALID = [
    path
    for path in INVALID
    if path.name.split(".")[0] in IN_SCHEMA and path.stem not in BEYOND_SCHEMA
]


def name_of(path: Path) -> str:
    return path.relative_to(SCHEMAS / "examples").as_posix()


def validator(event_type: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        json.loads((SCHEMAS / f"{event_type}.v1.schema.json").read_bytes())
    )


def read(path: Path, catalogue: Catalogue) -> AnyInput | Refusal:
    return decode(path.read_bytes(), NOW, catalogue)


@pytest.mark.parametrize("path", VALID, ids=name_of)
def test_valid_example_is_accepted(path: Path, catalogue: Catalogue) -> None:
    """The worker and an independent validator agree on each example.

    It is an event of the type of its folder.
    """
    event_type = path.parts[-3]
    found = read(path, catalogue)
    assert type(found) is INPUT_TYPES[event_type], found
    validator(event_type).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_invalid_example_is_refused_for_the_reason_in_its_name(
    path: Path, catalogue: Catalogue
) -> None:
    """`<reason>.<remark>.json` is refused for that reason and no other."""
    found = read(path, catalogue)
    assert isinstance(found, Refusal)
    assert found.reason == path.name.split(".")[0]


@pytest.mark.parametrize("path", SCHEMA_INVALID, ids=name_of)
def test_schema_refuses_what_a_schema_can_express(path: Path) -> None:
    """A sender who validates with the published schema finds these mistakes before sending."""
    assert not validator(path.parts[-3]).is_valid(json.loads(path.read_bytes()))


@pytest.mark.parametrize("event_type", INPUT_TYPES)
def test_each_type_has_its_examples(event_type: str) -> None:
    """At least the smallest event and one with every field."""
    names = {path.stem for path in VALID if path.parts[-3] == event_type}
    assert {"minimal", "full"} <= names
    full = json.loads((SCHEMAS / "examples" / event_type / "valid" / "full.json").read_bytes())
    assert set(full) == {*INPUT_TYPES[event_type].__struct_fields__, "type"}
    assert sum(path.parts[-3] == event_type for path in INVALID) >= 5


def test_no_example_is_unused() -> None:
    """A file in another place or with another ending would never be checked."""
    files = {path for path in (SCHEMAS / "examples").rglob("*") if path.is_file()}
    assert files == {*VALID, *INVALID}
    assert {path.parts[-3] for path in files} == set(INPUT_TYPES)


def test_each_reason_has_an_example() -> None:
    """Whoever writes a sender sees each mistake once."""
    assert {path.name.split(".")[0] for path in INVALID} == set(get_args(Reason)) - WITHOUT_EXAMPLE


def test_event_ids_of_valid_examples_differ() -> None:
    """All valid examples can be sent one after the other, and each counts."""
    ids = [json.loads(path.read_bytes())["event_id"] for path in VALID]
    assert len(ids) == len(set(ids))
