from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from voc_stream.events.refusal import MEANINGS
from voc_stream.events.types import INPUT_TYPES
from voc_stream.published.asyncapi import asyncapi

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENT = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8"))

TOPICS = {
    "voc.callbacks": {"callback"},
    "voc.complaints": {"complaint"},
    "voc.repair-flow": {"repair_step"},
    "voc.touchpoints": {"touchpoint"},
    "voc.customers": {"customer"},
    "voc.retractions": {"retraction"},
    "voc.dead-letters": {"dead_letter"},
    "voc.alerts": {"alert"},
}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def test_channels_are_the_topics_of_the_contract() -> None:
    """Every topic is described, with the messages it carries; a later type is in its own."""
    found = {each["address"]: set(each["messages"]) for each in DOCUMENT["channels"].values()}
    later = INPUT_TYPES.keys() - set().union(*TOPICS.values())
    for event_type in later:
        found[f"voc.{INPUT_TYPES[event_type].topic}"].remove(event_type)
    assert {topic: types for topic, types in found.items() if types} == TOPICS


def test_types_may_share_a_topic() -> None:
    """The channel carries both, and each has its operation, as a sender sends one or the other."""
    document = asyncapi({"one": "One.", "two": "Two."}, {"one": "shared", "two": "shared"})
    channel = document["channels"]["voc.shared"]
    assert set(channel["messages"]) == {"one", "two"}
    assert channel["description"].startswith("One. Two. ")
    for event_type in ("one", "two"):
        (message,) = document["operations"][f"receive_{event_type}"]["messages"]
        assert message["$ref"] == f"#/channels/voc.shared/messages/{event_type}"


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_reference_leads_somewhere(reference: str) -> None:
    """A reader that follows a reference finds what it names."""
    file, _, pointer = reference.partition("#")
    if file:
        assert (SCHEMAS / file).is_file()
        return
    value: Any = DOCUMENT
    for step in pointer.strip("/").split("/"):
        value = value[step]


def test_worker_receives_the_inputs_and_sends_the_outputs() -> None:
    """Each message has exactly one operation, from the worker's side."""
    found = {
        operation["channel"]["$ref"].removeprefix("#/channels/"): operation["action"]
        for operation in DOCUMENT["operations"].values()
    }
    assert found == {
        topic: "send" if topic in {"voc.dead-letters", "voc.alerts"} else "receive"
        for topic in (each["address"] for each in DOCUMENT["channels"].values())
    }
    assert len(DOCUMENT["operations"]) == len(DOCUMENT["components"]["messages"])


def test_every_event_message_is_keyed_by_customer() -> None:
    """The key decides the partition, so a sender must know it.

    A retraction may concern many customers, in any partitions.
    """
    for event_type in set(INPUT_TYPES) - {"retraction"}:
        assert (
            "customer_id"
            in DOCUMENT["components"]["messages"][event_type]["bindings"]["kafka"]["key"][
                "description"
            ]
        )


def test_dead_letter_headers_are_those_of_the_contract() -> None:
    """Whoever reads dead letters finds the five headers, and every reason with its meaning."""
    headers = DOCUMENT["components"]["messages"]["dead_letter"]["headers"]
    assert headers["required"] == [
        "reason",
        "detail",
        "source-topic",
        "source-partition",
        "source-offset",
    ]
    assert {
        choice["const"]: choice["description"]
        for choice in headers["properties"]["reason"]["oneOf"]
    } == dict(MEANINGS)
