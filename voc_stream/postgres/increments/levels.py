"""Declares the levels: sums of a level are merged together, in one transaction."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How soon sums follow the stream; also the name of a level in `merged` and `rolling_clock`."""

    SITES = "sites"
    """What operators watch: every few seconds."""
    DETAILS = "details"
    """What explains, with many more keys: more seldom, so that more increments share a row."""


LEVELS = tuple(Level)
