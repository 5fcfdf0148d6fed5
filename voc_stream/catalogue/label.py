"""Declares names for people."""

from __future__ import annotations

import msgspec


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name for people, in English and Chinese."""

    en: str
    zh: str
