"""What people are told to ask shows no mean without of how many it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from documentation import PAGES, ROOT, read

from voc_stream.monitoring.table_gauges import READ_FROM_TABLES
from voc_stream.postgres.schema.tables.of_how_many import OF_HOW_MANY

if TYPE_CHECKING:
    from collections.abc import Iterator

BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
AGGREGATES = r"\b(avg|percentile_cont)\("


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panels(panel) if "panels" in panel else ()


def queries() -> Iterator[tuple[str, str]]:
    """SQL of boards and of pages, with its place."""
    for path in BOARDS:
        for panel in panels(json.loads(path.read_text(encoding="utf-8"))):
            for target in panel["targets"]:
                if "rawSql" in target:
                    yield f"{path.stem}: {panel['title']}", target["rawSql"]
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```sql\n(.*?)```", read(page), re.DOTALL)):
            for query in block.split(";\n"):
                yield f"{page.relative_to(ROOT)} {number}", query


def uncounted(query: str) -> set[tuple[str, str]]:
    """Means that a query shows, each with a count that it does not."""
    shown = query.partition("FROM ")[0]
    names = set(re.findall(r"[a-z_]+", shown))
    found = {
        (column, count)
        for relation, columns in OF_HOW_MANY.items()
        if relation in query
        for column, counts in columns.items()
        if column in names
        for count in counts
        if count not in names
    }
    if re.search(AGGREGATES, shown) and "count(" not in shown:
        found.add(("an average", "count"))
    return found


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("SELECT experience_mean FROM voc.rolling_satisfaction", {("experience_mean", "n")}),
        ("SELECT r.n, r.experience_mean FROM voc.rolling_satisfaction r", set()),
        ("SELECT avg(minutes) FROM voc.repair_stage", {("an average", "count")}),
        ("SELECT count(*) FROM voc.rolling_satisfaction WHERE satisfaction < 0", set()),
    ],
)
def test_means_without_a_count_are_found(query: str, missing: set[tuple[str, str]]) -> None:
    """The rule below sees what a query shows, and not by what it chooses rows."""
    assert uncounted(query) == missing


def test_every_query_shows_of_how_many_its_means_are() -> None:
    """On boards, in runbooks and in the documentation."""
    found = list(queries())
    assert len(found) > 40
    assert [(where, missing) for where, query in found if (missing := uncounted(query))] == []


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_board_shows_the_gauge_that_counts_its_means(path: Any) -> None:
    """Beside a gauge that is a mean, on the same board."""
    text = path.read_text(encoding="utf-8")
    shown = set(re.findall(r"voc_[a-z_]+", text))
    assert {
        count
        for name in shown & READ_FROM_TABLES.keys()
        for count in READ_FROM_TABLES[name].counted_by
    } <= shown
