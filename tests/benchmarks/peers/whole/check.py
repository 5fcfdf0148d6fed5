"""Compares what a peer wrote with the oracle, table by table.

Of rolling satisfaction the numbers that the others follow from are compared: counts, mean, spread
and boxes at every horizon and scope. Measures of what happened within some days are left out: none
of them counts within the hour of the mix.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
from benchmarks.peers.whole.sums import BINS, CUBE_KEY, NAMES, pane_minute
from comparison import assert_tables_equal, read_tables

from voc_stream.catalogue.load import load_catalogue
from voc_stream.domain.horizons import HORIZONS
from voc_stream.domain.horizons import window as window_of
from voc_stream.domain.measures.happened_within import within_measures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from comparison import Row, Table

ENTITIES = (
    "touchpoint_event", "customer", "repair_order", "repair_stage", "complaint", "churn_risk",
)  # fmt: skip
ROLLING_COLUMNS = (
    "n", "experience_mean", "stddev", "top_box_share", "bottom_box_share",
    "expectation_n", "importance_n",
)  # fmt: skip


def expected_of_peers(expected: Mapping[str, Table]) -> dict[str, Table]:
    """The oracle's tables, with the rows and columns that are compared."""
    within = {each.experience for each in within_measures(load_catalogue()).every}
    daily = {key: row for key, row in expected["experience_daily"].items() if key[1] not in within}
    rolling = {
        key: {column: row[column] for column in ROLLING_COLUMNS}
        for key, row in expected["rolling_satisfaction"].items()
        if row["kind"] != "nps"
    }
    tables = {name: expected[name] for name in ENTITIES}
    return tables | {"experience_daily": daily, "rolling_satisfaction": rolling}


def found_of_peers(database_url: str, as_of: datetime) -> dict[str, Table]:
    """What stands in PostgreSQL."""
    tables = read_tables(database_url, ENTITIES)
    experiences = load_catalogue().experience
    with closing(psycopg2.connect(database_url, options="-c search_path=voc")) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT {', '.join((*CUBE_KEY, *NAMES))} FROM peer_cube")
        tables["experience_daily"] = dict(map(_cube_row, cursor))
        tables["rolling_satisfaction"] = {}
        for horizon in HORIZONS:
            first, last = window_of(horizon, as_of)
            resolution = int(horizon.pane.total_seconds() // 60)
            totals = ", ".join(f"sum({name})" for name in NAMES)
            cursor.execute(
                f"SELECT scope_type, scope, experience, {totals} FROM peer_pane"
                " WHERE resolution = %s AND start BETWEEN %s AND %s AND scope_type = ANY(%s)"
                " GROUP BY 1, 2, 3 HAVING sum(n) <> 0",
                (
                    resolution,
                    pane_minute(first, resolution),
                    pane_minute(last, resolution),
                    list(horizon.scope_types),
                ),
            )
            for scope_type, scope, experience, *sums in cursor:
                about = experiences[experience]
                if about.kind != "nps":
                    key = (horizon.name, scope_type, scope, experience)
                    tables["rolling_satisfaction"][key] = _rolling_row(sums, about.unit)
    return tables


def assert_right(database_url: str, expected: Mapping[str, Table], as_of: datetime) -> None:
    """Raises AssertionError, which says what differs, unless every table is the oracle's."""
    assert_tables_equal(expected_of_peers(expected), found_of_peers(database_url, as_of))


def _cube_row(row: tuple[Any, ...]) -> tuple[tuple[Any, ...], Row]:
    day, *rest = row[: len(CUBE_KEY)]
    named = dict(zip(NAMES, row[len(CUBE_KEY) :], strict=True))
    cells = {name: named[name] for name in NAMES[:7]}
    cells["score_sq_sum"] = int(cells["score_sq_sum"])
    return (date.fromordinal(day), *rest), cells | {"histogram": list(row[-BINS:])}


def _rolling_row(sums: list[Any], unit: str) -> Row:
    n, total, squares, expectation_n, _, importance_n, _, top, bottom, *_ = map(int, sums)
    is_score = unit == "score"
    spread = max(0, n * squares - total * total)
    return {
        "n": n,
        "experience_mean": total / n / 100,
        "stddev": None if n == 1 else (spread / (n * (n - 1))) ** 0.5 / 100,
        "top_box_share": top / n if is_score else None,
        "bottom_box_share": bottom / n if is_score else None,
        "expectation_n": expectation_n,
        "importance_n": importance_n,
    }
