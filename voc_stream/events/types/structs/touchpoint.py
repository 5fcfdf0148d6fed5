"""Any other scored contact."""

from __future__ import annotations

from typing import ClassVar

from voc_stream.events.types.base import ScoredEvent


class Touchpoint(
    ScoredEvent, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="touchpoint"
):
    """Any other scored contact."""

    topic: ClassVar[str] = "touchpoints"
