"""Declares the words by which complaints are known to be about an experience."""

from __future__ import annotations

import msgspec

LONGEST_WORDS = 40


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of customers, in both languages; each may be a phrase.

    They suggest what a complaint is about while no complaint has been sorted by people. Later they
    count beside what was learned.
    """

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Those of both languages."""
        return self.zh + self.en
