"""A database knows which installation it is, and which catalogue rules it.

Experiences know their earlier names.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "installation",
        sa.Column(
            "installation_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="made by init, for ever",
        ),
        sa.Column(
            "trade",
            sa.Text(),
            nullable=True,
            comment="trade of the catalogue that rules; NULL until a worker has started",
        ),
        sa.Column("catalogue_version", sa.Integer(), nullable=True, comment="its version"),
        sa.Column("catalogue_digest", sa.Text(), nullable=True, comment="digest of what it says"),
        sa.Column(
            "ruled_since", sa.DateTime(timezone=True), nullable=True, comment="when it took over"
        ),
        sa.PrimaryKeyConstraint("installation_id"),
        schema="voc",
        comment="Which installation this database is, and which catalogue rules it; one row",
    )
    op.add_column(
        "experience",
        sa.Column(
            "aliases",
            sa.ARRAY(sa.Text()),
            nullable=False,
            server_default="{}",
            comment="its earlier names: stored bodies of events may use them / 曾用名",
        ),
        schema="voc",
    )
