from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from voc_stream.published.json_schemas import EVENT_TYPES, documents
from voc_stream.published.write import read_examples

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENTS = documents(read_examples(SCHEMAS))


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_published_file_is_what_the_event_types_say(name: str) -> None:
    """The structs are the one source: after a change, `python -m voc_stream.published.write schemas` writes the files anew."""
    assert (SCHEMAS / name).read_text(encoding="utf-8") == DOCUMENTS[name]


def test_no_published_file_is_left_over() -> None:
    """A file that nothing writes would go stale unseen."""
    assert {path.name for path in SCHEMAS.iterdir()} == {*DOCUMENTS, "examples"}


def test_command_writes_the_files(tmp_path: Path) -> None:
    """The command that the documents name does what the other tests compare."""
    (tmp_path / "examples").symlink_to(SCHEMAS / "examples")
    subprocess.run(
        [sys.executable, "-m", "voc_stream.published.write", str(tmp_path)],
        check=True,
        cwd=SCHEMAS.parent,
    )
    assert {
        path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.is_file()
    } == DOCUMENTS


def test_command_explains_a_wrong_folder(tmp_path: Path) -> None:
    """A mistyped folder is named instead of a traceback."""
    command = [sys.executable, "-m", "voc_stream.published.write", str(tmp_path / "absent")]
    found = subprocess.run(command, check=False, cwd=SCHEMAS.parent, capture_output=True, text=True)
    assert found.returncode == 2
    assert "absent is no folder" in found.stderr


@pytest.mark.parametrize("event_type", EVENT_TYPES)
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


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_schema_allows_unknown_fields(event_type: str) -> None:
    """A sender may say more than the schema names."""
    schema = json.loads(DOCUMENTS[f"{event_type}.v1.schema.json"])
    jsonschema.Draft202012Validator(schema).validate(
        schema["examples"][0] | {"invented": {"a": [1, None]}}
    )
