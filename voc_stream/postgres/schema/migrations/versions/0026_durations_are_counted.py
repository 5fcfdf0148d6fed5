"""Durations are counted in narrow buckets by day and site, for percentiles."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")


def upgrade() -> None:
    """Apply. Of what is stored already, `rebuild` counts the durations."""
    op.create_table(
        "duration_count",
        sa.Column("day", sa.Date(), nullable=False, comment="day in the time zone of the site"),
        sa.Column("site_id", KEY, nullable=False, comment="site, '' where unknown"),
        sa.Column("experience", KEY, nullable=False, comment="a measure in minutes"),
        sa.Column(
            "bucket",
            sa.SmallInteger(),
            nullable=False,
            comment="which durations: a bucket is a twentieth of its edge wide",
        ),
        sa.Column("n", sa.BigInteger(), nullable=False, comment="how many durations"),
        sa.PrimaryKeyConstraint("day", "site_id", "experience", "bucket"),
        schema="voc",
        comment="Durations counted for percentiles; read duration_daily and duration_rolling"
        " instead",
        postgresql_with={"fillfactor": "90"},
    )
