"""How risks came about is kept, and what the churn model learns from is counted.

All customers are walked through once, by the chore.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)
QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}


def upgrade() -> None:
    """Apply."""
    _create(
        "walk_pending",
        "Customers whose history is to be walked through again; emptied by the chore"
        " walk_customers",
        _column("customer_ids", ARRAY(KEY), "customers of one batch of whom an event came or went"),
        postgresql_with=QUEUE,
    )
    _create(
        "churn_walk",
        "One row per customer: until when churn_history is known",
        _column("customer_id", KEY, "customer"),
        sa.Column(
            "next_at",
            TIME,
            comment="when the history goes on because time passes; NULL for never",
        ),
        _column(
            "is_walked",
            sa.Boolean(),
            "false: not walked through, or too many events for a person",
        ),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    op.create_index("churn_walk_next_at", "churn_walk", ["next_at", "customer_id"], schema="voc")
    _create(
        "churn_history",
        "How each customer's risk of leaving came about: a row for each change of band,"
        " drivers, signals or tenure / 流失风险历史",
        _column("customer_id", KEY, "customer / 客户编号"),
        _column("since", TIME, "from when on this held / 起始时间"),
        sa.Column("until", TIME, comment="until when; NULL while it holds / 截止时间"),
        sa.Column(
            "event_id", KEY, comment="the event that changed it; NULL if time did / 触发事件"
        ),
        _column(
            "has_left",
            sa.Boolean(),
            "whether it ended because the customer left / 是否因流失结束",
        ),
        _column(
            "risk",
            sa.Double(),
            "probability of leaving within the model's horizon, 0-1 / 流失风险",
        ),
        _column("band", sa.Text(), "low, medium, high or critical / 风险等级"),
        _column("drivers", JSONB, "list of {driver, contribution}, as in churn_risk / 风险原因"),
        _column("model_version", sa.Text(), "version of the model that says so / 模型版本"),
        _column(
            "tenure_band",
            sa.SmallInteger(),
            "how long they had been a customer, from 0 / 客龄段",
        ),
        _column("signals", sa.BigInteger(), "a bit for each signal that was there / 信号位"),
        sa.PrimaryKeyConstraint("customer_id", "since"),
    )
    _create(
        "churn_cell",
        "What customers of one tenure and one set of signals did, by month",
        _column("month", sa.Date(), "first day of the month, in UTC"),
        _column("tenure_band", sa.SmallInteger(), "how long they had been customers, from 0"),
        _column("signals", sa.BigInteger(), "a bit for each signal that was there"),
        _column(
            "microseconds",
            sa.Numeric(),
            "for how long, all together; what still goes on is not in",
        ),
        _column("leavers", sa.BigInteger(), "how many left"),
        sa.PrimaryKeyConstraint("month", "tenure_band", "signals"),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute(
        "COMMENT ON COLUMN voc.lock.name IS 'histories, sites, details, assessment, evaluation,"
        " outbox, retractions, texts, importance, churn_model or walks'"
    )
    op.execute(
        "INSERT INTO voc.churn_walk SELECT customer_id, '-infinity', false FROM voc.customer_state"
    )


def _create(name: str, comment: str, *columns: sa.schema.SchemaItem, **more: Any) -> None:
    op.create_table(name, *columns, schema="voc", comment=comment, **more)


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)
