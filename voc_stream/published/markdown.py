"""Writes tables as Markdown, and sections of a page; pure but for `put_section`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, text: Collection[int] = (0,)
) -> str:
    """A table; the columns in `text`, counted from 0, are left-aligned, the others hold numbers.

    >>> print(table(["workers", "events/s"], [["1", "30,000"]]))
    | workers | events/s |
    |---|---:|
    | 1 | 30,000 |
    """
    lines = [header, *rows]
    written = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]
    rule = "".join("---|" if place in text else "---:|" for place in range(len(header)))
    return "\n".join([written[0], f"|{rule}", *written[1:]])


def replace_section(page: str, name: str, text: str) -> str:
    """The page with `text` between the markers of section `name`.

    Raises ValueError if it has no such section.

    >>> print(replace_section("a <!-- bench: begin -->old<!-- bench: end --> z", "bench", "new"))
    a <!-- bench: begin -->
    new
    <!-- bench: end --> z
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"the page has no section for this: add the lines {begin} and {end} to it")
    return f"{before}{begin}\n{text}\n{end}{after}"


def put_section(page: Path, name: str, text: str) -> None:
    """Replace a section of a file. Raises ValueError if it has no such section."""
    page.write_text(replace_section(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
