"""What the pages of the documentation say, read for tests: links, anchors, paths and commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "tests" / "README.md",
        *DOCS.rglob("*.md"),
        *(ROOT / "deploy" / "runbooks").glob("*.md"),
    ]
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
CONSOLE = frozenset({"console", "sh", "bash", "shell"})


def name(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def read(page: Path) -> str:
    """The text of the page."""
    return page.read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return FENCE.sub("", text)


def code_spans(text: str) -> Iterator[str]:
    """What stands in backticks, outside of fenced blocks.

    >>> list(code_spans("the `make run` of ``x``"))
    ['make run', 'x']
    """
    for _, span in re.findall(r"(`+)(.+?)\1", prose(text), re.DOTALL):
        yield " ".join(span.split())


def links(text: str) -> Iterator[str]:
    """The targets of links and pictures, without those that lead out of the repository.

    >>> list(links("[a](b.md#c) ![d](e.svg) [f](https://g) `[h](i)` [`j`](k.md)"))
    ['b.md#c', 'e.svg', 'k.md']
    """
    without_code = re.sub(r"(`+)(.+?)\1", "code", prose(text), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^()\s]+)\)", without_code):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them.

    >>> sorted(anchors("# Which ids?" + chr(10) + "## `make run`: quick"))
    ['make-run-quick', 'which-ids']
    """
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(text), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        base = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        count = 0
        while (anchor := f"{base}-{count}" if count else base) in found:
            count += 1
        found.add(anchor)
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def command_lines(text: str) -> Iterator[str]:
    """The commands of a page: of its console blocks line by line, and of its code spans.

    A line that ends with a backslash goes on in the next one. Comments are left out.
    """
    for _, language, body in FENCE.findall(text):
        if language in CONSOLE:
            for line in body.replace("\\\n", " ").splitlines():
                yield re.sub(r"(^|\s)#\s.*", "", line).strip()
    yield from code_spans(text)
