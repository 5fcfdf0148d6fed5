from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from builders import CATALOGUE_PATH

from voc_stream.catalogue.load import CatalogueError, load_catalogue

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("trade", ["automotive", "retail", "hotel"])
def test_packaged_catalogues_know_words_of_both_languages(trade: str) -> None:
    """So that a suggestion is possible on the first day."""
    known = [one.words for one in load_catalogue(trade).experience.values() if one.words.all]
    assert len(known) > 5
    assert all(words.zh and words.en for words in known)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ('zh = ["…"]', "'…' has neither a letter nor a digit"),
        (f'en = ["{"x" * 41}"]', f"'{'x' * 41}' is longer than 40 characters"),
        ('en = ["Rude"]', "'Rude' stands at 'advisor_service', too"),
        ('en = "late"', "must be a list"),
        ('fr = ["tard"]', "the keys are zh, en"),
    ],
)
def test_words_that_tell_nothing_are_refused(tmp_path: Path, words: str, problem: str) -> None:
    """The error names the file, the key and what is wrong."""
    text = CATALOGUE_PATH.read_text(encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(f"{text}\n[experience.overall.words]\n{words}\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=re.escape(problem)) as raised:
        load_catalogue(file)
    assert "experience.overall.words" in str(raised.value)
