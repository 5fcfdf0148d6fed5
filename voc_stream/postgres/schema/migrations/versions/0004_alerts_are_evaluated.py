"""The evaluator of alerts gets what it needs.

These are arrivals, detectors, its clock, an outbox and the risks of past days.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_vacuum_insert_scale_factor": "0",
}
KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)


def _column(name: str, type_: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False, comment=comment)


def upgrade() -> None:
    """Apply."""
    # Nothing was ever written to it.
    op.add_column(
        "alert",
        _column("updated_at", TIME, "when its evidence was last written / 证据更新时间"),
        schema="voc",
    )
    op.create_index(
        "alert_open",
        "alert",
        ["rule", sa.text("coalesce(experience, '')"), "scope_type", "scope"],
        unique=True,
        schema="voc",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    # For what is watched every minute: orders in the workshop, and follow-ups that fell due.
    op.create_index(
        "repair_order_undelivered",
        "repair_order",
        ["order_id"],
        schema="voc",
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_index(
        "repair_order_follow_up_due_at",
        "repair_order",
        ["follow_up_due_at"],
        schema="voc",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
    )
    # For counting the complaints of the last weeks; such an index keeps updates in their page.
    op.create_index(
        "complaint_opened_at", "complaint", ["opened_at"], schema="voc", postgresql_using="brin"
    )
    op.create_table(
        "arrival",
        _column("scope_type", KEY, "all or site"),
        _column("scope", KEY, "'' for all"),
        _column("experience", KEY, "key experience"),
        _column("hour", TIME, "start of the hour in which they count"),
        _column("n", sa.BigInteger(), "scores that arrived; those taken back count against it"),
        _column("score_sum", sa.BigInteger(), "their sum, in hundredths"),
        schema="voc",
        comment="Scores of key experiences that the detectors have not seen;"
        " emptied by the evaluator",
        postgresql_with=QUEUE,
    )
    op.create_table(
        "detector",
        _column("scope_type", KEY, "all or site"),
        _column("scope", KEY, "'' for all"),
        _column("experience", KEY, "key experience"),
        _column("baseline_n", sa.BigInteger(), "scores of the eight weeks before it was made"),
        _column("baseline_mean", sa.Double(), "what is usual here, in points"),
        _column("made_at", TIME, "when the baseline was taken"),
        _column("state", sa.JSON(), "charts and where they stand; not for readers"),
        sa.PrimaryKeyConstraint("scope_type", "scope", "experience"),
        schema="voc",
        comment="The charts that look for drops, one row per key experience and scope",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "evaluation_clock",
        _column("evaluator", KEY, "always alerts"),
        _column("as_of", TIME, "the moment of which the alerts are"),
        _column("evaluated_at", TIME, "when drops were last looked for"),
        sa.Column("others_at", TIME, comment="when the other rules were last judged"),
        sa.PrimaryKeyConstraint("evaluator"),
        schema="voc",
        comment="The moment of the last evaluation of the alerts",
    )
    op.create_table(
        "alert_outbox",
        sa.Column(
            "number",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="order of the messages",
        ),
        _column("alert_id", KEY, "alert that started or ended"),
        _column("message", sa.Text(), "what goes to the topic of alerts, in JSON"),
        sa.Column("claimed_at", TIME, comment="when a worker took it to send it"),
        sa.PrimaryKeyConstraint("number"),
        schema="voc",
        comment="Messages that still have to go to the topic of alerts",
        postgresql_with=QUEUE,
    )
    op.create_table(
        "risk_daily",
        _column("day", sa.Date(), "day (UTC)"),
        _column("customers", sa.BigInteger(), "customers with a risk / 客户数"),
        _column(
            "at_risk", sa.BigInteger(), "of them in the bands high and critical / 高风险客户数"
        ),
        _column("model_version", sa.Text(), "version of the model in the catalogue / 模型版本"),
        _column("counted_at", TIME, "when they were counted last / 统计时间"),
        sa.PrimaryKeyConstraint("day"),
        schema="voc",
        comment="How many customers were at risk, by day / 每日流失风险",
    )
