"""Generates the published schemas from the event types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from voc_stream.events.decode import MAXIMUM_MESSAGE_BYTES
from voc_stream.events.raw import MAXIMUM_DEPTH
from voc_stream.events.types import INPUT_TYPES
from voc_stream.published.asyncapi import asyncapi
from voc_stream.published.yaml import to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_BEYOND_THE_SCHEMA = (
    "Fields that are not named here are kept with the event and change nothing. "
    "Ids that are equal in Unicode's normal form C are the same id. "
    f"Also refused: a message of more than {MAXIMUM_MESSAGE_BYTES // 1024} KiB or nested more than"
    f" {MAXIMUM_DEPTH} deep, "
    "U+0000 or half of a surrogate pair in any string, a time without an offset, occurred_at more"
    " than 10 minutes in the future, "
    "an id with a character beyond U+FFFF that nobody sees, "
    "an experience that the catalogue does not have or has with another kind, "
    "and a stage that its flow does not have."
)


def documents(examples: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """The published files by name; `examples` gives valid events by type."""
    schemas = {
        event_type: json_schema(event_type, examples.get(event_type, ()))
        for event_type in INPUT_TYPES
    }
    files = {
        f"{event_type}.v1.schema.json": _to_json(schema) for event_type, schema in schemas.items()
    }
    files["asyncapi.yaml"] = to_yaml(
        asyncapi({event_type: summary_of(event_type) for event_type in INPUT_TYPES})
    )
    return files


def json_schema(event_type: str, examples: Sequence[object]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type of event."""
    struct = INPUT_TYPES[event_type]
    generated = msgspec.json.schema(struct)
    definitions = generated["$defs"]
    body = definitions.pop(struct.__name__)
    body["properties"]["type"] = {
        "description": "How the event is read, whatever its topic.",
        "const": event_type,
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:voc-stream:{event_type}:v1",
        **body,
        "title": f"{event_type} (version 1)",
        "description": f"{summary_of(event_type)} {_BEYOND_THE_SCHEMA}",
    }
    if definitions:
        schema["$defs"] = definitions
    return schema | {"examples": list(examples)}


def summary_of(event_type: str) -> str:
    """What events of a type say, in a sentence: the first of its struct."""
    return (INPUT_TYPES[event_type].__doc__ or "").strip().splitlines()[0]


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
