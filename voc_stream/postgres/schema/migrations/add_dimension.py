"""Adds dimensions to the tables, for migrations.

It knows no declaration: a migration states what it adds, and does the same for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA = "voc"
QUEUES = ("contribution", "detail_contribution")


def add_to_queues(comments: Mapping[str, str]) -> None:
    """Add columns to what waits to be merged; rows that wait already get ''."""
    for table in QUEUES:
        for name, comment in comments.items():
            _add(table, sa.Column(name, sa.Text(), nullable=False, comment=comment))


def add_to_cells(comments: Mapping[str, str], dimensions: Sequence[str]) -> None:
    """Add columns to the cells of the daily cube; cells that are there already get ''.

    Args:
        comments: of the new columns, by name.
        dimensions: all dimensions of the cube as they are then, in their order.
    """
    for name, comment in comments.items():
        text = sa.Text(collation="C")
        _add("cube_cell", sa.Column(name, text, nullable=False, comment=comment))
    op.drop_constraint("cube_cell_dimensions", "cube_cell", schema=SCHEMA)
    op.create_unique_constraint(
        "cube_cell_dimensions", "cube_cell", list(dimensions), schema=SCHEMA
    )


def add_to_cube(comments: Mapping[str, str], key: Sequence[str]) -> None:
    """Add columns to the daily cube as it was before it had cells; its rows get ''.

    Args:
        comments: of the new columns, by name.
        key: the columns of the whole key as it is then, in their order.
    """
    for name, comment in comments.items():
        text = sa.Text(collation="C")
        _add("experience_cube", sa.Column(name, text, nullable=False, comment=comment))
    op.drop_constraint("experience_cube_pkey", "experience_cube", schema=SCHEMA)
    op.create_primary_key("experience_cube_pkey", "experience_cube", list(key), schema=SCHEMA)


def add_to_moments(comments: Mapping[str, str]) -> None:
    """Add columns to the moments of customers: '' for those that are stored already."""
    for name, comment in comments.items():
        text = sa.Text(collation="C")
        _add("customer_moment", sa.Column(name, text, nullable=False, comment=comment))


def _add(table: str, column: sa.Column[str]) -> None:
    """Add a column with a constant default, which is written to no row.

    New rows must state a value.
    """
    column.server_default = sa.DefaultClause("")
    op.add_column(table, column, schema=SCHEMA)
    op.alter_column(table, column.name, server_default=None, schema=SCHEMA)
