"""Reads the tables that the contract names from PostgreSQL.

It tells where they differ from the expected ones.
"""

from __future__ import annotations

import json
from contextlib import closing
from decimal import Decimal
from math import isclose
from typing import TYPE_CHECKING, Any

import psycopg2
from oracle.dimensions import CUBE_KEY
from psycopg2.extras import RealDictCursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Row = dict[str, Any]
Table = dict[tuple[Any, ...], Row]

KEYS = {
    "touchpoint_event": ("event_id",),
    "retraction": ("event_id",),
    "retracted_event": ("event_id",),
    "customer": ("customer_id",),
    "repair_order": ("order_id",),
    "repair_stage": ("order_id", "stage"),
    "complaint": ("complaint_id",),
    "experience_daily": CUBE_KEY,
    "rolling_satisfaction": ("horizon", "scope_type", "scope", "experience"),
    "duration_daily": ("day", "experience", "site_id"),
    "duration_rolling": ("horizon", "scope_type", "scope", "experience"),
    "complaint_iceberg": ("horizon", "scope_type", "scope", "experience"),
    "complaint_text": ("complaint_id",),
    "complaint_gram": ("month", "category", "gram"),
    "text_suggestion": ("complaint_id",),
    "complaint_term": ("month", "gram"),
    "complaint_pareto": ("month", "scope_type", "scope", "category"),
    "theme_impact": ("month", "category", "experience"),
    "answer_product": ("month", "scope_type", "scope", "first", "second"),
    "answer_band": ("month", "scope_type", "scope", "experience", "band"),
    "churn_risk": ("customer_id",),
}
KEYS_OF_HISTORIES = {
    "churn_history": ("customer_id", "since"),
    "churn_cell": ("month", "tenure_band", "signals"),
}
WITH_BODY = ("touchpoint_event", "retraction")
NO_LATER = (("churn_risk", "as_of"),)
"""Columns that say since when a row says so: it may have said the same for some time."""
TOLERANCE = 1e-9
INTERVALS = (("ci_low", "ci_high"), ("unhappy_low", "unhappy_high"))
# Of its own width: the quantile of Student's t in the view comes from a table of seven digits and a
# short expansion.
INTERVAL_TOLERANCE = 5e-6
ROWS_SHOWN = 5


def read_tables(
    database_url: str, names: Iterable[str] = KEYS, schema: str = "voc"
) -> dict[str, Table]:
    """The rows of the named tables or views of a schema, all columns, as one moment sees them.

    Keys as the oracle has them.
    """
    with closing(psycopg2.connect(database_url)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        connection.cursor().execute("SET TIME ZONE 'UTC'")
        return {name: dict(_rows(connection, name, schema)) for name in names}


def _rows(connection: Any, name: str, schema: str) -> Iterator[tuple[tuple[Any, ...], Row]]:
    with connection.cursor(name="rows", cursor_factory=RealDictCursor) as cursor:
        cursor.itersize = 10_000
        # The body as text, to keep its numbers exact; a fixed list of names, none from outside.
        cursor.execute(
            f"SELECT *{', body::text AS body_text' if name in WITH_BODY else ''}"
            f" FROM {schema}.{name}"
        )
        for found in cursor:
            row = dict(found)
            key = tuple(row.pop(column) for column in (KEYS | KEYS_OF_HISTORIES)[name])
            if "body_text" in row:
                row["body"] = json.loads(row.pop("body_text"), parse_float=Decimal)
            if "drivers" in row:
                row["drivers"] = _drivers(row["drivers"])
            yield key, row


def _drivers(entries: list[Mapping[str, Any]]) -> dict[str, float]:
    drivers = {entry["driver"]: entry["contribution"] for entry in entries}
    assert len(drivers) == len(entries), f"a driver stands twice in {entries}"
    return drivers


def assert_tables_equal(expected: Mapping[str, Table], actual: Mapping[str, Table]) -> None:
    """Every expected table has the same keys in `actual`, and every expected column the same value.

    `actual` may have more columns.
    """
    reports = [
        report for name in expected if (report := _difference(name, expected[name], actual[name]))
    ]
    assert not reports, "\n".join(["the tables differ (expected -> actual):", *reports])


def _difference(name: str, expected: Table, actual: Table) -> str:
    """What differs in one table; empty where nothing does."""
    missing, surplus = expected.keys() - actual.keys(), actual.keys() - expected.keys()
    changed = {
        key: cells
        for key in expected.keys() & actual.keys()
        if (cells := _changed_cells(name, expected[key], actual[key]))
    }
    if not (missing or surplus or changed):
        return ""
    counts = (
        f"{len(expected)} rows expected, {len(actual)} found: {len(missing)} missing,"
        f" {len(surplus)} surplus, {len(changed)} different"
    )
    lines = [
        *(f"  missing   {key}: {expected[key]}" for key in _first(missing)),
        *(f"  surplus   {key}: {actual[key]}" for key in _first(surplus)),
        *(f"  different {key}: {', '.join(changed[key])}" for key in _first(changed)),
    ]
    return "\n".join([f"{name}: {counts}", *lines])


def _first(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(keys, key=repr)[:ROWS_SHOWN]


def _changed_cells(table: str, expected: Row, actual: Row) -> list[str]:
    return [
        f"{column}: {value!r} -> {actual.get(column, 'no such column')!r}"
        for column, value in expected.items()
        if column not in actual
        or not (
            actual[column] <= value
            if (table, column) in NO_LATER
            else _same(value, actual[column], _tolerance(expected, column))
        )
    ]


def _tolerance(expected: Row, column: str) -> float:
    for low, high in INTERVALS:
        if column in (low, high) and expected[column] is not None:
            width: float = expected[high] - expected[low]
            return max(TOLERANCE, INTERVAL_TOLERANCE * width)
    return TOLERANCE


def _same(expected: Any, actual: Any, tolerance: float) -> bool:
    """Whether two cells are equal: floats nearly, everything else exactly."""
    if isinstance(expected, float) and isinstance(actual, (float, int, Decimal)):
        return isclose(expected, actual, rel_tol=TOLERANCE, abs_tol=tolerance)
    if isinstance(expected, Decimal) and isinstance(actual, float):
        return expected == Decimal(repr(actual))
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            _same(expected[key], actual[key], tolerance) for key in expected
        )
    return bool(expected == actual)
