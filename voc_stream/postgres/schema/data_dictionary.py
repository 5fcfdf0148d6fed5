"""The data dictionary for people, generated from the comments of tables, views and columns.

python -m voc_stream.postgres.schema.data_dictionary > docs/reference/data-dictionary.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from voc_stream.postgres.schema import engine_tables
from voc_stream.postgres.schema import reader_tables as tables
from voc_stream.postgres.schema.reader_views import VIEW_COMMENTS

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

# In the order in which an analyst meets them.
_FOR_READERS = (
    "rolling_satisfaction", "experience_daily", "experience", "repair_order", "repair_stage", "complaint", "customer", "churn_risk",
    "alert", "touchpoint_event", "retracted_event", "dead_letter", "stream_position",
)  # fmt: skip
_HEADER = """# Data dictionary

Generated from the comments in the database by `python -m voc_stream.postgres.schema.data_dictionary`; what each
value means exactly stands in [the semantics](semantics.md). BI tools read the views of the same
names in schema `voc_bi`, as role `voc_bi`, which can write nothing; columns marked *writers only* are not shown there.

Times are `timestamptz`; days and hours are those of UTC. NULL is "no data", never zero.
"""


def dictionary() -> str:
    """The page, in Markdown."""
    known = {table.name: table for table in engine_tables.metadata.sorted_tables}
    internal = sorted(known.keys() - set(_FOR_READERS))
    parts = [_HEADER, "## For readers\n"]
    parts += [_of_table(known[name]) if name in known else _of_view(name) for name in _FOR_READERS]
    parts.append(
        "## Of the engine\n\nThese hold what is not yet merged, or parts of the views above. Nobody else should depend on them.\n"
    )
    parts += [_of_table(known[name]) for name in internal]
    return "\n".join(parts)


def _of_table(table: Table) -> str:
    key = {column.name for column in table.primary_key.columns}
    rows = [
        f"| `{column.name}` | {_type(column)} | {_escaped(_about(column, key))} |"
        for column in table.columns
    ]
    return (
        f"### {table.name}\n\n{table.comment} (table)\n\n| column | type | meaning |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def _of_view(name: str) -> str:
    about, columns = VIEW_COMMENTS[name]
    rows = [f"| `{column}` | {_escaped(comment)} |" for column, comment in columns.items()]
    return (
        f"### {name}\n\n{about} (view)\n\n| column | meaning |\n|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _type(column: Column[object]) -> str:
    return (
        str(column.type)
        .split(" COLLATE")[0]
        .lower()
        .replace("timestamp with time zone", "timestamptz")
        .replace("datetime", "timestamptz")
    )


def _about(column: Column[object], key: set[str]) -> str:
    marks = ["key"] if column.name in key else []
    marks += ["writers only"] if column.name in tables.WRITERS_ONLY else []
    return (column.comment or "") + (f" *({', '.join(marks)})*" if marks else "")


if __name__ == "__main__":
    sys.stdout.write(dictionary())
