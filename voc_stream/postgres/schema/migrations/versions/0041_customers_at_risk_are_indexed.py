"""Customers at risk have an index of their own: what is asked about them reads no others."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "CREATE INDEX churn_risk_at_risk ON voc.churn_risk (customer_id)"
        " WHERE band IN ('high', 'critical')"
    )
