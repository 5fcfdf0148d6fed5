"""An order says how many moments its mean and its memory are of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Of orders that are stored, `rebuild` tells it."""
    op.add_column(
        "repair_order",
        sa.Column("moments_n", sa.Integer(), comment="how many moments were scored / 评分次数"),
        schema="voc",
    )
