"""Reads the dashboards as Grafana would.

Their panels, and their queries with the variables filled in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from deploy.tools import DEPLOY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = DEPLOY / "grafana" / "dashboards"
FILES = sorted(FOLDER.glob("*.json"))
# What Grafana puts in the place of its own variables and macros.
_BUILT_IN = ((r"\$__rate_interval", "1m"), (r"\$__timeFrom\(\)", "'2020-01-01T00:00:00Z'"))
_MACROS = (
    (
        r"\$__timeFilter\(([\w.]+)\)",
        r"\1 BETWEEN '2020-01-01T00:00:00Z' AND '2040-01-01T00:00:00Z'",
    ),
    (r"\$__timeGroup\(([\w.]+), *'1d'\)", r"floor(extract(epoch from \1)/86400)*86400"),
)


class Query(NamedTuple):
    """One query of a panel, with everything filled in."""

    where: str
    text: str


def load(name: str) -> dict[str, Any]:
    """A dashboard by the name of its file."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document


def queries(field: str, chosen: Mapping[str, list[str]] | None = None) -> Iterator[Query]:
    """All queries of all dashboards of one kind: `expr` is PromQL, `rawSql` is SQL.

    `chosen`: values of variables; of the others some are made up.
    """
    for file in FILES:
        board = load(file.stem)
        values = {each["name"]: _values(each) for each in board["templating"]["list"]}
        values |= chosen or {}
        for panel in board["panels"]:
            for target in panel["targets"]:
                if field in target:
                    yield Query(f"{file.stem}: {panel['title']}", _filled(target[field], values))


def _values(variable: dict[str, Any]) -> list[str]:
    """Values that a variable may have; those that Grafana asks Prometheus for are made up."""
    if variable["type"] == "custom":
        found: list[str] = variable["query"].split(",")
    else:
        found = ["site-1", "it's"]
    return found if variable.get("multi") else found[:1]


def _filled(query: str, values: dict[str, list[str]]) -> str:
    for pattern, replacement in (*_BUILT_IN, *_MACROS):
        query = re.sub(pattern, replacement, query)
    for name, found in values.items():
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in found)
        query = query.replace(f"${{{name}:sqlstring}}", listed).replace(f"${name}", "|".join(found))
    assert "$" not in query, query
    return query
