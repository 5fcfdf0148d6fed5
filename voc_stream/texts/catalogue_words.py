"""Counts the words of a catalogue as if complaints had said them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from voc_stream.texts.grams import grams_of

if TYPE_CHECKING:
    from voc_stream.catalogue.model import Catalogue

WORD_WEIGHT = 3
"""A word of the catalogue counts as much as so many complaints that say it."""


def counts_of_words(catalogue: Catalogue) -> dict[str, Counter[str]]:
    """By gram, what the words of a catalogue count for each experience."""
    counts: dict[str, Counter[str]] = {}
    for key, experience in catalogue.experience.items():
        for gram in {gram for word in experience.words.all for gram in grams_of(word)}:
            counts.setdefault(gram, Counter())[key] += WORD_WEIGHT
    return counts
