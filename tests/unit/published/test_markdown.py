from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voc_stream.published.markdown import put_section, replace_section, table

if TYPE_CHECKING:
    from pathlib import Path


def test_a_cell_cannot_break_its_table() -> None:
    """A vertical line inside a cell is escaped."""
    assert table(["a", "b"], [["x|y", "1"]]).splitlines()[2] == "| x\\|y | 1 |"


def test_columns_of_text_are_left_aligned() -> None:
    """Numbers stand to the right; the columns that are named do not."""
    assert table(["a", "b", "c"], [], text=(0, 2)).splitlines()[1] == "|---|---:|---|"


def test_only_the_named_section_is_replaced(tmp_path: Path) -> None:
    """A command touches nothing of the page but its own section, and may repeat that."""
    page = tmp_path / "page.md"
    page.write_text(
        "top\n<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin -->\nkept\n<!-- b: end -->\n",
        encoding="utf-8",
    )
    for text in ("first", "second"):
        put_section(page, "a", text)
    assert page.read_text(encoding="utf-8") == (
        "top\n<!-- a: begin -->\nsecond\n<!-- a: end -->\n<!-- b: begin -->\nkept\n<!-- b: end"
        " -->\n"
    )


def test_a_page_without_the_section_is_refused() -> None:
    """The message says which lines are missing."""
    with pytest.raises(ValueError, match=r"add the lines <!-- a: begin --> and <!-- a: end -->"):
        replace_section("no markers", "a", "text")
