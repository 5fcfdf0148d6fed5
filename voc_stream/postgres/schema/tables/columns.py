"""Declares what all tables are made of: types, and columns with comments for the data dictionary.

Text keys are collated "C", so that the order of ids is that of their bytes, the same in PostgreSQL
and in Python. Tables whose columns change often keep those columns out of indexes and leave room in
their pages, so that updates stay in place.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Numeric, Text

from voc_stream.postgres.cells.schemas import SCHEMA

SCORE_BINS = 11
# Columns that only writers need, or that hold what a customer wrote. BI tools do not see them.
WRITERS_ONLY = frozenset({"version", "fold_state", "payload", "detail", "topic_id"})

# These columns are compared by what they say, not by how it is written.
STATE_COLUMNS = frozenset({"fold_state"})

metadata = MetaData(schema=SCHEMA)

KEY = Text(collation="C")
TIME = DateTime(timezone=True)
MONEY = Numeric(15, 2)  # up to a million millions and the cents
POINTS = Numeric(5, 3)

# A queue is emptied again and again: vacuum it by its churn, not by its size.
QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}

# A refresh adds to all rows of a page at once. With half of it free they stay in their page, and no
# index is touched; with less, the table even grew larger.
ADDED_IN_PLACE = {"fillfactor": "50"}


def column(
    name: str, type_: Any, comment: str, *extra: Any, null: bool = True, **options: Any
) -> Column[Any]:
    """A column with its comment; NULL is no data."""
    return Column(name, type_, *extra, nullable=null, comment=comment, **options)


def required(name: str, type_: Any, comment: str, *extra: Any, **options: Any) -> Column[Any]:
    """A column that always has a value."""
    return column(name, type_, comment, *extra, null=False, **options)
