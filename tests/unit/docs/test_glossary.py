"""The glossary: one meaning for each word, in both languages."""

from __future__ import annotations

import re
from collections import Counter

from documentation import DOCS, PAGES, read

GLOSSARY = DOCS / "glossary.md"
TERMS = [
    line.strip("| ").split(" | ")
    for line in read(GLOSSARY).splitlines()
    if line.startswith("| ") and not line.startswith("| term")
]


def test_every_term_has_both_languages_and_a_meaning() -> None:
    """A term is an English word, a Chinese one, and one or two sentences."""
    assert len(TERMS) > 50
    for english, chinese, meaning in TERMS:
        assert re.fullmatch(r"[A-Za-z -]+", english), english
        assert re.fullmatch(r"[\u4e00-\u9fff]+", chinese), english
        assert meaning.endswith("."), english


def test_no_word_has_two_meanings() -> None:
    """Each word stands once, in either language."""
    for language in (0, 1):
        counted = Counter(term[language].lower() for term in TERMS)
        assert [word for word, count in counted.items() if count > 1] == []


def test_every_term_is_used() -> None:
    """A word that no other page uses needs no explanation."""
    pages = [read(page) for page in PAGES if page != GLOSSARY]
    others = " ".join(pages).lower().replace("_", " ")
    assert [term for term, *_ in TERMS if term.lower() not in others] == []


def test_terms_are_in_order() -> None:
    """Each part of the list is in alphabetical order, so that a word is found."""
    for part in read(GLOSSARY).split("\n## ")[1:]:
        rows = [row.lower() for row in re.findall(r"^\| (.+?) \|", part, re.MULTILINE)]
        assert rows[0] == "term"
        assert rows[1:] == sorted(rows[1:])
