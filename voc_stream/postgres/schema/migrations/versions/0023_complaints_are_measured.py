"""Complaints state a product, and are moved in pieces with their owner's history."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Of complaints that are stored, `rebuild` tells the product."""
    op.add_column(
        "complaint",
        sa.Column("product", sa.Text(collation="C"), comment="product, as stated latest / 产品"),
        schema="voc",
    )
    op.drop_index("complaint_customer_id", "complaint", schema="voc")
    op.create_index(
        "complaint_customer_id", "complaint", ["customer_id", "complaint_id"], schema="voc"
    )
