"""Fewer rows in the queues: customers whose risk may have changed by the batch, and no arrays of nothing but absent values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATED = {"expectation": "stated expectations", "importance": "stated importances"}


def upgrade() -> None:
    """Apply."""
    for column, meaning in STATED.items():
        op.alter_column(
            "contribution", column, nullable=True, schema="voc", comment=f"{meaning}, in hundredths; NULL where none was stated"
        )
    op.add_column("churn_pending", sa.Column("customer_ids", sa.ARRAY(sa.Text(collation="C"))), schema="voc")
    op.execute(
        "INSERT INTO voc.churn_pending (customer_id, customer_ids)"
        " SELECT '', array_agg(customer_id) FROM voc.churn_pending HAVING count(*) > 0"
    )
    op.execute("DELETE FROM voc.churn_pending WHERE customer_ids IS NULL")
    op.alter_column(
        "churn_pending", "customer_ids", nullable=False, schema="voc", comment="customers of one batch whose risk may have changed"
    )
    op.drop_column("churn_pending", "customer_id", schema="voc")
    op.alter_column(
        "churn_risk", "next_change_at", schema="voc", comment="the passing of time alone will not change it before / 下次变化时间"
    )
