"""What BI tools see: schema `voc_bi`, without the writers' columns and without what customers wrote."""

from __future__ import annotations

from typing import NamedTuple

from voc_stream.postgres import tables
from voc_stream.postgres.tables import SCHEMA
from voc_stream.postgres.views import VIEW_COMMENTS

_REPLACED = {("touchpoint_event", "body"): "body - 'text'"}
_TABLES = (
    tables.touchpoint_event,
    tables.repair_order,
    tables.complaint,
    tables.customer,
    tables.churn_risk,
    tables.alert,
    tables.dead_letter,
    tables.stream_position,
    tables.experience,
)


class BiView(NamedTuple):
    """A view of schema voc_bi: its name, its query, its comment and its columns' comments."""

    name: str
    statement: str
    comment: str
    columns: dict[str, str]


def bi_views() -> list[BiView]:
    """One view for each table or view of the contract, plus the catalogue."""
    found = [_of(table.name, table.comment or "", {column.name: column.comment or "" for column in table.columns}) for table in _TABLES]
    return found + [_of(name, about, columns) for name, (about, columns) in VIEW_COMMENTS.items()]


def _of(name: str, comment: str, columns: dict[str, str]) -> BiView:
    shown = {column: about for column, about in columns.items() if column not in tables.WRITERS_ONLY}
    expressions = ", ".join(f'{_REPLACED.get((name, column), _quoted(column))} AS "{column}"' for column in shown)
    return BiView(name, f"SELECT {expressions} FROM {SCHEMA}.{name}", comment, shown)


def _quoted(column: str) -> str:
    return f'"{column}"'
