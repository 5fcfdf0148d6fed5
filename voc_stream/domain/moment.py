"""Says when an event occurred, in the one time zone that everything is counted in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voc_stream.events.types.base import Event


def moment_of(event: Event) -> datetime:
    """When an event occurred, in UTC."""
    occurred_at = event.occurred_at
    return occurred_at if occurred_at.tzinfo is UTC else occurred_at.astimezone(UTC)
