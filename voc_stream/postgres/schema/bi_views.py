"""Declares what BI tools see of a cell.

It has neither the writers' columns nor what customers wrote.
"""

from __future__ import annotations

from typing import NamedTuple

from voc_stream.events.types import EVENT_TYPES
from voc_stream.postgres.schema import all_tables as tables
from voc_stream.postgres.schema.tables.columns import WRITERS_ONLY
from voc_stream.postgres.schema.view_comments import VIEW_COMMENTS

# Of an event's body only fields are shown whose values are numbers, ids or words of a list. A
# customer's words may stand in any other field, known or unknown.
_SAFE_FIELDS = sorted(
    {field for event in EVENT_TYPES.values() for field in event.__struct_fields__}
    - {field for event in EVENT_TYPES.values() for field in event.words()}
)
# The body is read once, not once for each field.
_SAFE_BODY = (
    "(SELECT jsonb_strip_nulls(coalesce(jsonb_object_agg(key, value), '{}'))"
    f" FROM jsonb_each(body::jsonb) WHERE key IN ({', '.join(map(repr, _SAFE_FIELDS))}))"
)
_REPLACED = {("touchpoint_event", "body"): _SAFE_BODY}
_TABLES = (
    tables.touchpoint_event,
    tables.retracted_event,
    tables.repair_order,
    tables.complaint,
    tables.complaint_term,
    tables.churn_risk,
    tables.churn_model,
    tables.churn_told,
    tables.churn_history,
    tables.alert,
    tables.dead_letter,
    tables.stream_position,
    tables.experience,
    tables.flow_stage,
)


class BiView(NamedTuple):
    """A view for BI tools: its name, what it selects, its comment and its columns' comments."""

    name: str
    expressions: str
    comment: str
    columns: dict[str, str]

    def of(self, schema: str, *also: str) -> str:
        """SQL of what it shows of the cell in this schema, and of what else is to be selected."""
        return f"SELECT {', '.join([self.expressions, *also])} FROM {schema}.{self.name}"


def bi_views() -> list[BiView]:
    """One view for each table or view of the contract, plus the catalogue."""
    found = [
        _of(
            table.name,
            table.comment or "",
            {column.name: column.comment or "" for column in table.columns},
        )
        for table in _TABLES
    ]
    return found + [_of(name, about, columns) for name, (about, columns) in VIEW_COMMENTS.items()]


def _of(name: str, comment: str, columns: dict[str, str]) -> BiView:
    shown = {column: about for column, about in columns.items() if column not in WRITERS_ONLY}
    expressions = ", ".join(
        f'{_REPLACED.get((name, column), _quoted(column))} AS "{column}"' for column in shown
    )
    return BiView(name, expressions, comment, shown)


def _quoted(column: str) -> str:
    return f'"{column}"'
