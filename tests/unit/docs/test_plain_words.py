"""Pages for people are in plain words: short sentences and lines, no word that says nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from documentation import FENCE, PAGES, ROOT, name, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = 100
WORDS = 25
# Ruff holds Python. Values such as digests, commands and PromQL may be longer than a line.
COMMENTED = sorted(
    path
    for pattern in (
        "Makefile", "pyproject.toml", ".ci/run", "docs/examples/*.toml",
        "voc_stream/catalogue/trades/*.toml", "deploy/**/*.yaml", "deploy/**/*.sql",
        "deploy/Dockerfile", "deploy/systemd/*",
    )
    for path in ROOT.glob(pattern)
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_lines_fit_beside_each_other(page: Path) -> None:
    """Prose has at most 100 columns; tables, pictures and what is to be copied may have more."""
    assert [line for line in prose_lines(read(page)) if len(line) > COLUMNS] == []


def test_comments_fit_beside_each_other() -> None:
    """Comments of files that are no Python have at most 100 columns, too."""
    assert len(COMMENTED) > 30
    assert [
        f"{name(path)}: {line}"
        for path in COMMENTED
        for line in read(path).splitlines()
        if re.match(r"\s*(#|--)", line) and len(line) > COLUMNS
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_sentences_are_short(page: Path) -> None:
    """A sentence of more than 25 words is two sentences."""
    assert [each for each in sentences(read(page)) if len(words(each)) > WORDS] == []


def test_long_sentences_are_caught() -> None:
    """The rule above is really enforced; code counts as one word, and a heading not at all."""
    short, long = "It is `so and so`. " * 9, "word " * 26 + "."
    assert list(sentences(f"# {long}\n\n{short}\n")) == ["It is CODE."] * 9
    assert [len(words(each)) for each in sentences(f"- {long}\n- a\n")] == [26, 1]


def prose_lines(text: str) -> Iterator[str]:
    """The lines that are prose.

    Lines of fenced blocks and tables are not, nor is a picture or a link alone.
    """
    for line in FENCE.sub("", text).splitlines():
        if not re.match(r"\s*(\||!\[|<|\S+$)", line):
            yield line


def sentences(text: str) -> Iterator[str]:
    """The sentences of the prose, with CODE for code and without the targets of links.

    A benchmark writes the line "Measured on …", which lists a machine.
    """
    prose = re.sub(
        r"^\s*(\||#|<!--|!\[|Measured on ).*$", "\n", FENCE.sub("\n\n", text), flags=re.MULTILINE
    )
    prose = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose)
    prose = re.sub(r"`[^`]*`", "CODE", prose)
    for block in re.split(r"\n\s*\n|\n\s*(?=[-*] |\d+\. )", prose):
        for sentence in re.split(
            r"(?<=[.!?:])\s+(?=[A-Z*\"“(])|(?<=\.\*\*) ", " ".join(block.split())
        ):
            if sentence:
                yield sentence


def words(sentence: str) -> list[str]:
    """What has a letter or a figure in it."""
    return [word for word in sentence.split() if re.search(r"\w", word)]
