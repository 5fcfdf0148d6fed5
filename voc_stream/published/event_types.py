"""The table of event types with their topics, for the page about sending events."""

from __future__ import annotations

from voc_stream.events.topics import TOPIC_OF_TYPE
from voc_stream.published.json_schemas import summary_of
from voc_stream.published.markdown import table

SECTION = "event-types"


def event_types_table() -> str:
    """Each event type, where it is sent, and what it says."""
    rows = [
        [f"`voc.{topic}`", f"`{name}`", summary_of(name)] for name, topic in TOPIC_OF_TYPE.items()
    ]
    return table(["topic", "`type`", "says"], rows, text=(0, 1, 2))
