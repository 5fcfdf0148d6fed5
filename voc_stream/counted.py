"""Writes counts with their noun, for sentences that people read."""

from __future__ import annotations


def counted(count: int, noun: str, of_many: str | None = None) -> str:
    """The count and its noun.

    Args:
        count: How many.
        noun: What one is called.
        of_many: What several are called, if it is not the noun with an s.

    >>> counted(1, "line"), counted(0, "line"), counted(1_200, "dead letter")
    ('1 line', '0 lines', '1,200 dead letters')
    >>> counted(1, "has", "have")
    '1 has'
    """
    return f"{count:,} {noun if count == 1 else of_many or f'{noun}s'}"
