"""Histories are moved piece by piece, in the order of ids.

A history is what a customer said before another segment was stated.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "customer_move",
        sa.Column(
            "customer_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="customer who has stated another segment or region",
        ),
        sa.PrimaryKeyConstraint("customer_id"),
        schema="voc",
        comment="Customers whose earlier events and orders are still counted under another profile,"
        " in part; emptied by the upkeep",
        postgresql_with=QUEUE,
    )
    op.alter_column(
        "lock",
        "name",
        comment="histories, sites, details, assessment, evaluation or outbox",
        schema="voc",
    )
    op.create_index(
        "touchpoint_event_scored",
        "touchpoint_event",
        ["customer_id", "event_id"],
        schema="voc",
        postgresql_where=sa.text("type IN ('callback', 'touchpoint')"),
    )
    op.drop_index("repair_order_customer_id", "repair_order", schema="voc")
    op.create_index(
        "repair_order_customer_id", "repair_order", ["customer_id", "order_id"], schema="voc"
    )
