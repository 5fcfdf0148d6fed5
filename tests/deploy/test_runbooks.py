from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg2
import pytest
import yaml
from deploy.alerting import RUNBOOKS, alerts, blocks, labels_of_metrics, metrics_in, rules, run
from deploy.tools import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.deploy

INDEX = DEPLOY / "runbooks/README.md"
PAGES = [INDEX, *RUNBOOKS]
QUERIES = [(page, number) for page in PAGES for number in range(len(blocks(page, "sql")))]


def promql() -> list[str]:
    """Every PromQL query of the pages, one a line."""
    return [
        line for page in PAGES for block in blocks(page, "promql") for line in block.splitlines()
    ]


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    """A link in a message at night must lead somewhere; the index lists all."""
    names = {alert.name for alert in alerts()}
    assert {page.stem for page in RUNBOOKS} == names
    assert (
        set(re.findall(r"^\| \[(\w+)\]\(\1\.md\)", INDEX.read_text(encoding="utf-8"), re.MULTILINE))
        == names
    )


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_runbook_says_what_is_needed(page: Path) -> None:
    """A title in both languages, the four parts in their order, and something to ask with."""
    text = page.read_text(encoding="utf-8")
    assert re.match(r"# [^/\n]+ / [^\n]*[\u4e00-\u9fff]", text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Meaning",
        "Impact",
        "Diagnosis",
        "Mitigation",
    ]
    assert blocks(page, "sql") or page.stem == "VocWorkerRestarting", (
        "only a process that restarts has nothing to do with tables"
    )
    assert blocks(page, "promql") or page == INDEX


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Whoever follows one must not be lost."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target


@pytest.mark.parametrize(
    ("page", "number"), QUERIES, ids=[f"{page.stem}-{number}" for page, number in QUERIES]
)
def test_queries_run_on_a_migrated_database(
    page: Path, number: int, postgres_url: str, migrated_template: str
) -> None:
    """Queries run as they stand.

    They run as the role voc_bi, unless they read schema voc, which the page must say.
    """
    query = blocks(page, "sql")[number]
    url = f"{postgres_url.rpartition('/')[0]}/{migrated_template}"
    user: str | None = "voc_bi"
    if re.search(r"\bvoc\.", query):
        user = urlsplit(url).username
        assert "service's role" in page.read_text(encoding="utf-8")
    with (
        closing(
            psycopg2.connect(url, user=user, options="-c default_transaction_read_only=on")
        ) as connection,
        connection,
    ):
        connection.cursor().execute(query)


def test_promql_is_valid_and_its_series_exist(tmp_path: Path) -> None:
    """A query that is refused, or asks for what no worker shows, helps nobody at night."""
    known = set(labels_of_metrics()) | {rule["record"] for rule in rules() if "record" in rule}
    for query in promql():
        assert metrics_in(query), query
        assert metrics_in(query) <= known, query
    path = tmp_path / "queries.yaml"
    recorded = [
        {"record": f"query:{number}", "expr": query} for number, query in enumerate(promql())
    ]
    path.write_text(
        yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}), encoding="utf-8"
    )
    run("promtool", "check", "rules", path)
