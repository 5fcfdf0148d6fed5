"""What came of stated risks is counted, so that the churn model can be judged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "churn_told",
        _column("landmark", TIME, "start of the month at which it was said / 月初时点"),
        _column("horizon_days", sa.Integer(), "over how many days the risk runs / 期限（天）"),
        _column("version", KEY, "of the model that said it / 模型版本"),
        _column("group_type", KEY, "all, band or signal / 分组类型"),
        _column("group_name", KEY, "the band or signal; '' for all / 分组"),
        _column("bin", sa.Integer(), "the stated risk in thousandths, rounded down / 风险区间"),
        _column("customers", sa.BigInteger(), "who were told so / 客户数"),
        _column(
            "leavers", sa.BigInteger(), "of them who had left when the horizon was over / 流失数"
        ),
        _column("risk_sum", sa.Double(), "sum of their stated risks / 风险合计"),
        sa.PrimaryKeyConstraint(
            "landmark", "horizon_days", "version", "group_type", "group_name", "bin"
        ),
        comment="Stated risks of leaving at starts of months, and what came of them / 风险与结果",
        schema="voc",
    )


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)
