from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from voc_stream.events.types import INPUT_TYPES
from voc_stream.published.json_schemas import documents
from voc_stream.published.write import read_examples

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENTS = documents(read_examples(SCHEMAS))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_published_file_is_what_the_event_types_say(name: str) -> None:
    """The structs are the one source: after a change, `make docs` writes the files anew."""
    assert (SCHEMAS / name).read_text(encoding="utf-8") == DOCUMENTS[name]


def test_no_published_file_is_left_over() -> None:
    """A file that nothing writes would go stale unseen."""
    assert {path.name for path in SCHEMAS.iterdir()} == {*DOCUMENTS, "examples"}


@pytest.mark.parametrize("event_type", INPUT_TYPES)
def test_schema_explains_itself(event_type: str) -> None:
    """A stranger can use a schema alone: it is valid, and every field in it has a description."""
    schema = json.loads(DOCUMENTS[f"{event_type}.v1.schema.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]
    assert len(schema["examples"]) >= 2
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part["properties"].items():
            assert field.get("description"), f"{part['title']}.{name} has no description"


@pytest.mark.parametrize("event_type", INPUT_TYPES)
def test_schema_allows_unknown_fields(event_type: str) -> None:
    """A sender may say more than the schema names."""
    schema = json.loads(DOCUMENTS[f"{event_type}.v1.schema.json"])
    jsonschema.Draft202012Validator(schema).validate(
        schema["examples"][0] | {"invented": {"a": [1, None]}}
    )
