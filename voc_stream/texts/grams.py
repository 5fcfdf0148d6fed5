"""Takes a text apart into grams: what can be counted of it.

Chinese has no spaces between words, so its grams are pairs of neighbouring characters. Of other
languages they are words, and pairs of neighbouring words.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CHARACTERS = 2_000
"""So much of a text is read. Complaints are shorter; what is longer is a pasted document."""
LONGEST_WORD = 40
"""So much of a word is kept, so that a gram fits into an index."""

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUNS = re.compile(rf"[{_CHINESE}]+|(?:[^\W_{_CHINESE}]+(?:['\u2019][^\W_{_CHINESE}]+)*)")
_FIRST_CHINESE = "\u3400"
_IS_CHINESE = re.compile(f"[{_CHINESE}]")


def grams_of(text: str) -> list[str]:
    """The grams of a text, each once, in the order in which they come.

    Case, width and form of the characters say nothing.

    >>> grams_of("Waited two hours")
    ['waited', 'two', 'hours', 'waited two', 'two hours']
    >>> grams_of("等太久")
    ['等太', '太久']
    """
    chinese, words = list[str](), list[str]()
    plain = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold()
    for run in _RUNS.findall(plain):
        if run[0] >= _FIRST_CHINESE and _IS_CHINESE.match(run):
            chinese += [run] if len(run) == 1 else map("".join, pairwise(run))
        else:
            words.append(run[:LONGEST_WORD])
    pairs = map(" ".join, pairwise(words))
    return list(dict.fromkeys([*chinese, *words, *pairs]))


def grams_of_all(texts: Iterable[str]) -> list[str]:
    """The grams of some texts together, each once."""
    return list(dict.fromkeys(gram for text in texts for gram in grams_of(text)))
