"""The pages of the documentation hold together: none is out of reach, and no link is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from documentation import DOCS, PAGES, anchors, links, name, read

if TYPE_CHECKING:
    from pathlib import Path

INDEX = DOCS / "index.md"


def test_every_page_is_reached_from_the_index() -> None:
    """A page that no link leads to is a page that nobody reads."""
    reached, waiting = {INDEX}, [INDEX]
    while waiting:
        page = waiting.pop()
        targets = {
            (page.parent / link.partition("#")[0]).resolve()
            for link in links(read(page))
            if link.partition("#")[0].endswith(".md")
        }
        new = {target for target in targets if target.is_file()} - reached
        reached |= new
        waiting += new
    assert sorted(name(page) for page in set(DOCS.rglob("*.md")) - reached) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each link to a file or a heading of this repository finds it."""
    assert [link for link in links(read(page)) if not leads_somewhere(page, link)] == []


def test_dead_links_are_caught(tmp_path: Path) -> None:
    """The rule above is really enforced."""
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[a](#one) [b](#two) [c](page.md#one) [d](page.md#two) [e](no.md)\n")
    dead = [link for link in links(read(page)) if not leads_somewhere(page, link)]
    assert dead == ["#two", "page.md#two", "no.md"]


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether the target is there, with its heading if the link names one."""
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(read(target))
