"""There is less to write for an event.

The batch queues customers whose risk may have changed. Arrays of nothing but absent values are left
out, and the many moments of an order's state are numbers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATED = {"expectation": "stated expectations", "importance": "stated importances"}


def _in_microseconds(part: str) -> str:
    """SQL of one part of an order's state, with its moments in microseconds since 1970.

    NULL if the part is not there.
    """
    return (
        "(SELECT jsonb_object_agg(key, (extract(epoch FROM value::timestamptz) * 1000000)::bigint)"
        f" FROM jsonb_each_text(fold_state::jsonb -> '{part}'))"
    )


def upgrade() -> None:
    """Apply."""
    op.execute(
        "UPDATE voc.repair_order SET version = version + 1, fold_state ="
        " (fold_state::jsonb || jsonb_strip_nulls(jsonb_build_object("
        f"'entered', {_in_microseconds('entered')}, 'exited', {_in_microseconds('exited')})))::json"
    )
    for column, meaning in STATED.items():
        op.alter_column(
            "contribution",
            column,
            nullable=True,
            schema="voc",
            comment=f"{meaning}, in hundredths; NULL where none was stated",
        )
    op.add_column(
        "churn_pending", sa.Column("customer_ids", sa.ARRAY(sa.Text(collation="C"))), schema="voc"
    )
    op.execute(
        "INSERT INTO voc.churn_pending (customer_id, customer_ids)"
        " SELECT '', array_agg(customer_id) FROM voc.churn_pending HAVING count(*) > 0"
    )
    op.execute("DELETE FROM voc.churn_pending WHERE customer_ids IS NULL")
    op.alter_column(
        "churn_pending",
        "customer_ids",
        nullable=False,
        schema="voc",
        comment="customers of one batch whose risk may have changed",
    )
    op.drop_column("churn_pending", "customer_id", schema="voc")
    op.alter_column(
        "churn_risk",
        "next_change_at",
        schema="voc",
        comment="the passing of time alone will not change it before / 下次变化时间",
    )
