"""The dashboards: complete, bilingual, and asking for nothing that does not exist."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml
from builders import complaint, message, messages, repair_step
from deploy.dashboards import FILES, load, queries
from deploy.tools import DEPLOY, run, tool, values_of
from integration.postgres.crowd import crowd
from integration.postgres.store import NOW, Store, send

from voc_stream.catalogue.load import load_catalogue
from voc_stream.published.metrics_page import labels_of_metrics
from voc_stream.simulator.any_trade.play import play_of
from voc_stream.simulator.call_centre import simulate
from voc_stream.simulator.options import EARLY_DAYS, SimulationOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deploy.conftest import OperatorsDatabase
    from deploy.dashboards import Query

    from voc_stream.catalogue.model import Catalogue

BOARDS = ("complaints", "customers", "experience", "measures", "pipeline", "repair-flow")
# What a simulated call centre shows nothing of, with the reason.
MAY_BE_EMPTY = {
    "experience: Alerts, latest first",
    "repair-flow: Whom to follow up, never tried first",
}
# Of the process, by the Prometheus client.
OTHERS: dict[str, tuple[str, ...]] = {
    "process_resident_memory_bytes": (),
    "process_cpu_seconds_total": (),
}
# Prometheus adds these itself.
ADDED = {"instance", "job", "le"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NAME = re.compile(r"\b((?:voc|process)_\w+)")
SELECTOR = re.compile(r"\b(\w+)\{([^}]*)\}")
GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")


def known() -> dict[str, tuple[str, ...]]:
    """Metrics and their labels, histograms by the names of their series."""
    declared = OTHERS | labels_of_metrics()
    return declared | {
        name + end: labels
        for name, labels in declared.items()
        for end in ("_bucket", "_sum", "_count")
    }


def of(kind: str) -> list[Any]:
    return [pytest.param(query, id=query.where) for query in queries(kind)]


@pytest.fixture(scope="module")
def filled_database(
    operators_database: OperatorsDatabase, catalogue: Catalogue
) -> OperatorsDatabase:
    """Tables with something of everything in them."""
    with Store(operators_database.url("voc_writer"), catalogue) as store:
        send(store.sink(1), [*messages(crowd(60)), b"no event"], number=1)
        chores = store.chores()
        chores.refresh(NOW)
        chores.assess_churn(NOW)
    return operators_database


def test_the_boards_of_the_operators_are_there() -> None:
    """Six boards, each with the address that its file has, so that links and bookmarks last."""
    assert [file.stem for file in FILES] == sorted(BOARDS)
    assert [load(name)["uid"] for name in BOARDS] == [f"voc-{name}" for name in BOARDS]


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_well_formed(name: str) -> None:
    """Titles are in both languages, and panels lie side by side.

    No numbers are those of another Grafana, and nothing that is in a file can be edited.
    """
    board = load(name)
    titles = [board["title"], *(panel["title"] for panel in board["panels"])]
    assert [title for title in titles if " / " not in title or not CHINESE.search(title)] == []
    assert len(titles) == len(set(titles))
    assert not board["editable"]
    assert not [part for part in (board, *board["panels"]) if "id" in part]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        x, y, width, height = (panel["gridPos"][key] for key in "xywh")
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        assert x + width <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_data_sources_are_those_that_are_provisioned() -> None:
    """Every panel asks one of the two sources.

    The one for SQL is the role that can write nothing.
    """
    provisioned = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/voc-stream.yaml").read_text(encoding="utf-8")
    )["datasources"]
    sources = {(source["uid"], source["type"]) for source in provisioned}
    asked = {
        (found["uid"], found["type"])
        for name in BOARDS
        for found in values_of(load(name), "datasource")
        if isinstance(found, dict)
    }
    assert asked == sources
    assert [source["user"] for source in provisioned if "user" in source] == ["voc_bi"]


@pytest.mark.parametrize("query", of("expr"))
def test_metrics_and_labels_exist(query: Query) -> None:
    """PromQL names only metrics that the service declares.

    It selects and groups by labels that they have.
    """
    declared = known()
    without_texts = re.sub(r'"[^"]*"', '""', query.text)
    names = set(NAME.findall(without_texts))
    assert names
    assert names <= declared.keys()
    for metric, selected in SELECTOR.findall(without_texts):
        assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= set(declared[metric]), metric
    labels = ADDED.union(*(declared[name] for name in names))
    for grouping in GROUPING.findall(without_texts):
        assert set(re.findall(r"\w+", grouping)) <= labels, grouping


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    """Each query parses, as the expression of a rule."""
    promtool = tool("promtool", "the syntax of the dashboards' PromQL")
    rules = [
        {"record": f"query:{number}", "expr": query.text}
        for number, query in enumerate(queries("expr"))
    ]
    assert rules
    (tmp_path / "rules.yaml").write_text(
        json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8"
    )
    assert f"{len(rules)} rules found" in run([promtool, "check", "rules", tmp_path / "rules.yaml"])


@pytest.mark.parametrize("query", of("rawSql"))
def test_sql_runs_as_the_reader(filled_database: OperatorsDatabase, query: Query) -> None:
    """Every statement runs on real tables with data in them.

    It has the rights that Grafana has.
    """
    filled_database.ask("voc_bi", query.text)


@pytest.mark.parametrize("query", of("rawSql"))
def test_sql_runs_before_there_is_a_site(filled_database: OperatorsDatabase, query: Query) -> None:
    """A variable without a value makes an empty list, not a wrong statement."""
    filled_database.ask("voc_bi", query.text.replace("'site-1', 'it''s'", ""))


@pytest.fixture(scope="module", params=["automotive", "hotel"])
def played_database(
    request: pytest.FixtureRequest, make_operators_database: Callable[[], OperatorsDatabase]
) -> OperatorsDatabase:
    """Tables after a month of simulated customers of one trade, who are there to this minute."""
    database, catalogue = make_operators_database(), load_catalogue(request.param)
    now = datetime.now(UTC)
    options = SimulationOptions(
        start=now - timedelta(seconds=60),
        seed=5,
        duration_seconds=60,
        history_events=3_000,
        early_days=EARLY_DAYS,
        early_events=3_000,
        rate_per_second=10,
    )
    values = [
        message.value
        for message in simulate(options, play_of(catalogue))
        if message.value is not None
    ]
    # Of so few customers now and then none waits with a complaint.
    waiting = complaint("waiting", occurred_at=(now - timedelta(hours=1)).isoformat())
    values += messages([{**waiting, "site_id": "shop-01"}])
    with Store(database.url("voc_writer"), catalogue) as store:
        sink = store.sink(1)
        for start in range(0, len(values), 2_000):
            send(sink, values[start : start + 2_000], number=1, now=now)
        chores = store.chores()
        chores.refresh(now)
        chores.assess_churn(now)
        chores.evaluate(now)
    return database


def test_every_panel_shows_something(played_database: OperatorsDatabase) -> None:
    """In every trade each statement finds rows once customers have come."""
    chosen = {
        "site": [f"shop-{number:02d}" for number in range(1, 9)],
        "experience": ["recommendation"],
        "horizon": ["30d"],
        "segment": ["standard", "premium"],
    }
    empty = {
        query.where.split(" / ")[0]
        for query in queries("rawSql", chosen)
        if not played_database.ask("voc_bi", query.text)
    }
    assert empty <= MAY_BE_EMPTY


def test_panels_show_measures_in_their_units(played_database: OperatorsDatabase) -> None:
    """A share is shown from 0 to 100 and an NPS from -100 to 100, each within its interval."""
    chosen = {"horizon": ["30d"], "site": ["shop-01"], "experience": ["recommendation"]}
    shown = {
        query.where.split(" / ")[0]: played_database.ask("voc_bi", query.text)
        for query in queries("rawSql", chosen)
        if query.where.startswith("measures:")
    }
    means = dict(
        played_database.ask(
            "voc_bi",
            "SELECT experience, experience_mean FROM voc_bi.rolling_satisfaction"
            " WHERE scope_type = 'all' AND horizon = '30d'",
        )
    )
    [(_, promoters, score, low, high, *_)] = shown["measures: Net promoter score, from -100 to 100"]
    assert promoters > 20
    assert score == pytest.approx(100 * means["recommendation"], abs=0.1)
    assert -100 <= low < score < high <= 100
    shares = {row[0].split(" / ")[0]: row for row in shown["measures: Shares, in percent"]}
    _, _, reached, low, high, *_ = shares["Reached by a callback"]
    assert reached == pytest.approx(10 * means["reached"], abs=0.1)
    assert low < reached < high
    days = {value for _, unit, value in shown["measures: Day by day: $experience"]}
    assert min(days) >= -100
    assert max(abs(value) for value in days) > 1  # of a scale from -1 to 1 none would be


def test_the_sheet_shows_where_each_order_is(
    operators_database: OperatorsDatabase, catalogue: Catalogue
) -> None:
    """The progress sheet has a line for each open order.

    Done stages with their minutes, the current one with its age, as the catalogue calls them.
    """
    now = datetime.now(UTC)

    def step(number: int, stage: str, edge: str, minutes_ago: float) -> bytes:
        moment = (now - timedelta(minutes=minutes_ago)).isoformat()
        promised = (now + timedelta(minutes=90)).isoformat()
        fields = {
            "order_id": "o-sheet",
            "stage": stage,
            "edge": edge,
            "occurred_at": moment,
            "promised_at": promised,
            "site_id": "site-1",
        }
        return message(repair_step(f"sheet-{number}", **fields))

    values = [
        step(1, "reception", "enter", 60),
        step(2, "reception", "exit", 45),
        step(3, "work", "enter", 30),
    ]
    with Store(operators_database.url("voc_writer"), catalogue) as store:
        send(store.sink(2), values, number=2, now=now)
        store.chores().refresh(now)
    [sheet] = [query for query in queries("rawSql") if "progress sheet" in query.where]
    with (
        closing(psycopg2.connect(operators_database.url("voc_bi"))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sheet.text)
        columns = [column.name for column in cursor.description or ()]
        [row] = [found for found in cursor.fetchall() if found[0] == "o-sheet"]
    shown = {column.split(" / ")[0]: value for column, value in zip(columns, row, strict=True)}
    assert (shown["Site"], shown["Stage"]) == ("site-1", "Work / 作业")
    assert shown["Done"] == "Reception / 接待 15 min"
    assert shown["Under way"] in {"Work / 作业 30 min", "Work / 作业 31 min"}
    assert float(shown["Minutes left"]) in {89.0, 90.0}


def test_grafana_finds_the_boards() -> None:
    """The folder in which Grafana looks is the one that Compose mounts."""
    provider = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/dashboards/voc-stream.yaml").read_text(encoding="utf-8")
    )["providers"][0]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert (
        f"./grafana/dashboards:{provider['options']['path']}:ro"
        in compose["services"]["grafana"]["volumes"]
    )
