"""Details and the cube are refreshed on a slower beat, from a queue of their own.

Rolling sums are those of closed panes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
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
        "detail_contribution",
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False, comment="when it counts"),
        sa.Column("site_id", sa.Text(), nullable=False, comment="site, '' where unknown"),
        sa.Column("department", sa.Text(), nullable=False, comment="department, '' where unknown"),
        sa.Column("employee_id", sa.Text(), nullable=False, comment="employee, '' where unknown"),
        sa.Column("product", sa.Text(), nullable=False, comment="product, '' where unknown"),
        sa.Column("segment", sa.Text(), nullable=False, comment="segment, '' where unknown"),
        sa.Column("region", sa.Text(), nullable=False, comment="region, '' where unknown"),
        sa.Column("weight", sa.SmallInteger(), nullable=False, comment="1 adds, -1 takes back"),
        sa.Column("experience", sa.ARRAY(sa.Text()), nullable=False, comment="experiences"),
        sa.Column(
            "value", sa.ARRAY(sa.Integer()), nullable=False, comment="their values, in hundredths"
        ),
        sa.Column(
            "expectation",
            sa.ARRAY(sa.Integer()),
            comment="stated expectations, in hundredths; NULL where none was stated",
        ),
        sa.Column(
            "importance",
            sa.ARRAY(sa.Integer()),
            comment="stated importances, in hundredths; NULL where none was stated",
        ),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="in the order of arrival"),
        schema="voc",
        comment="What has not yet been merged into the other scopes and into experience_cube;"
        " emptied by the upkeep",
        postgresql_with=QUEUE,
    )
    op.add_column(
        "contribution",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(),
            nullable=False,
            comment="in the order of arrival",
        ),
        schema="voc",
    )
    op.create_table_comment(
        "contribution",
        "What has been accepted and not yet merged into the scopes all and site of pane and"
        " rolling_sum; emptied by the upkeep",
        schema="voc",
    )
    op.create_table_comment(
        "rolling_sum",
        "Sums over the closed panes of each horizon, all but the newest;"
        " read the view rolling_satisfaction instead",
        schema="voc",
    )
    # It does not matter, for once, to which part rows belong that wait already.
    op.execute("ALTER TABLE voc.churn_pending RENAME TO churn_pending_before")
    op.create_table(
        "churn_pending",
        sa.Column(
            "part",
            sa.SmallInteger(),
            nullable=False,
            comment="which part of the customers they belong to",
        ),
        sa.Column(
            "customer_ids",
            sa.ARRAY(sa.Text(collation="C")),
            nullable=False,
            comment="customers of one batch whose risk may have changed",
        ),
        schema="voc",
        comment="Customers whose risk is to be assessed again; emptied by the upkeep",
        postgresql_with=QUEUE,
    )
    op.execute("INSERT INTO voc.churn_pending SELECT 0, customer_ids FROM voc.churn_pending_before")
    op.drop_table("churn_pending_before", schema="voc")
    op.drop_table("rolling_clock", schema="voc")
    op.create_table(
        "rolling_clock",
        sa.Column(
            "refresh",
            sa.Text(collation="C"),
            nullable=False,
            comment="sites (scope types all and site) or details (the others)",
        ),
        sa.Column(
            "as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the moment at which their horizons end",
        ),
        sa.Column(
            "turn",
            sa.Integer(),
            nullable=False,
            comment="which part of sites and employees is next where the queue is long",
        ),
        sa.PrimaryKeyConstraint("refresh"),
        schema="voc",
        comment="The moment of the last refresh of the rolling tables",
    )
    # The next refresh sums them up anew from the panes.
    op.execute("TRUNCATE voc.rolling_sum")
