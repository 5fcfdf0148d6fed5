from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real_data import DATA, needs

from voc_stream.catalogue.load import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/explain/churn.md"
FILES = sorted(
    path
    for folder, pattern in (
        ("voc_stream/catalogue/trades", "*.toml"),
        ("docs", "**/*.toml"),
        ("docs", "**/*.md"),
    )
    for path in (ROOT / folder).glob(pattern)
    if re.search(r"^\[churn\]", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
)


def numbers(text: str) -> Iterator[tuple[str, str]]:
    """Each line of a `[churn]` table that sets a number, with it and the comments above it."""
    table, above = "", ""
    for line in text.splitlines():
        if line.startswith(("[", "```")):
            table, above = line, ""
        elif line.startswith("#"):
            above += line
        else:
            code = line.partition("#")[0]
            if table.startswith("[churn") and re.search(r"= *(\{.*)?\d", code):
                yield line, above + line
            above = ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_number_of_the_risk_has_its_source_or_says_assumption(path: Path) -> None:
    """A source is named in brackets, and the page about the risk explains it."""
    found = list(numbers(path.read_text(encoding="utf-8")))
    assert len(found) >= 5
    page = PAGE.read_text(encoding="utf-8")
    for line, said in found:
        sources = re.findall(r"\[([a-z_]+)\]", said.partition("#")[2])
        assert "assumption" in said or sources, line
        assert all(f"| `[{source}]` |" in page for source in sources), line


@needs("iranian_cells.csv")
def test_the_base_hazard_is_that_of_customers_without_any_signal() -> None:
    """27 left in 3,463.5 customer months; over all customers it is seven times as much."""
    with (DATA / "iranian_cells.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))

    def hazard(some: list[dict[str, str]]) -> float:
        months = sum(float(cell["exposure_months"]) for cell in some)
        return sum(float(cell["leavers"]) for cell in some) / months

    calm = hazard([cell for cell in cells if not cell["signals"]])
    assert calm == pytest.approx(27 / 3463.5)
    for name in ("automotive", "retail", "hotel"):
        assert load_catalogue(name).churn.base_hazard_per_month == round(calm, 4)
    assert hazard(cells) / calm == pytest.approx(7.29, abs=0.01)


def test_the_packaged_catalogues_are_among_them() -> None:
    """The test above must not lose what it is about."""
    assert {"automotive.toml", "retail.toml", "hotel.toml", "seven_steps.toml"} <= {
        path.name for path in FILES
    }


def test_a_number_without_a_source_is_found() -> None:
    """The test above can fail."""
    text = "[churn]\nbase = 0.5\n# [uci]\nother = 1\n[else]\nfree = 2\n"
    assert list(numbers(text)) == [("base = 0.5", "base = 0.5"), ("other = 1", "# [uci]other = 1")]
