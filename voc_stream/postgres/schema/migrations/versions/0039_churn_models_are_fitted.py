"""Churn models are fitted, and one of them may decide the risks of leaving."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.execute(
        "COMMENT ON COLUMN voc.lock.name IS 'histories, sites, details, assessment, evaluation,"
        " outbox, retractions, texts, importance or churn_model'"
    )
    op.execute(
        "COMMENT ON COLUMN voc.churn_risk.model_version IS"
        " 'version of the model: fitted, or of the catalogue / 模型版本'"
    )
    op.execute(
        "COMMENT ON COLUMN voc.risk_daily.model_version IS"
        " 'version of the model: fitted, or of the catalogue / 模型版本'"
    )
    op.create_table(
        "churn_model",
        _column("version", KEY, "of the model; churn_risk.model_version names it / 模型版本"),
        _column("fitted_at", TIME, "when it was fitted / 拟合时间"),
        _column("fitted_until", TIME, "it has learned from the time before / 训练数据截止时间"),
        _column("label", sa.Text(), "what counts as leaving: churned, the event / 流失定义"),
        _column(
            "horizon_days", sa.Integer(), "the gate judged risks of so many days / 评估期（天）"
        ),
        _column(
            "leavers", sa.Integer(), "customers who left in the time it learned from / 流失客户数"
        ),
        _column("exposure_months", sa.Double(), "months of customers in that time / 客户月数"),
        _column(
            "parameters",
            JSONB(),
            "hazards per month by band of tenure, and multipliers by signal / 参数",
        ),
        _column("errors", JSONB(), "standard errors and covariance of their logarithms / 标准误"),
        _column(
            "calibration", JSONB(), "by horizon in days, the line that makes risks true / 校准"
        ),
        _column("evaluation", JSONB(), "how good its risks were out of time / 样本外评估"),
        _column("state", sa.Text(), "candidate, active, refused or replaced / 状态"),
        _column("because", sa.Text(), "why the gate decided so / 原因"),
        sa.Column("activated_at", TIME, comment="since when it decides risks / 启用时间"),
        sa.PrimaryKeyConstraint("version"),
        sa.Index(
            "churn_model_active",
            "state",
            unique=True,
            postgresql_where=sa.text("state = 'active'"),
        ),
        comment="Churn models that were fitted, one of which may decide risks / 流失模型",
        schema="voc",
    )


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)
