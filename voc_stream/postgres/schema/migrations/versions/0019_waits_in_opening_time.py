"""Complaints know for how many of their minutes the site was open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "complaint",
        sa.Column(
            "opening_minutes_to_resolve",
            sa.Double(),
            nullable=True,
            comment="those of minutes_to_resolve in which the site was open;"
            " NULL if its opening hours"
            " are unknown / 营业时间内解决用时（分钟）",
        ),
        schema="voc",
    )
