"""Checks the words by which complaints are known to be about an experience."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.catalogue.words import LONGEST_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.model import Experience
    from voc_stream.catalogue.reading.file_text import CatalogueText


def check_words(file: CatalogueText, experiences: Mapping[str, Experience]) -> None:
    """Complain about words that can tell nothing. Raises CatalogueError."""
    told_by: dict[str, str] = {}
    for key, experience in experiences.items():
        for language in ("zh", "en"):
            path = ("experience", key, "words", language)
            for word in getattr(experience.words, language):
                if not any(letter.isalnum() for letter in word):
                    file.fail(path, f"{word!r} has neither a letter nor a digit")
                if len(word) > LONGEST_WORDS:
                    file.fail(path, f"{word!r} is longer than {LONGEST_WORDS} characters")
                other = told_by.setdefault(word.casefold(), key)
                if other != key:
                    file.fail(
                        path,
                        f"{word!r} stands at {other!r}, too, so it cannot tell them apart;"
                        " remove it there or here",
                    )
