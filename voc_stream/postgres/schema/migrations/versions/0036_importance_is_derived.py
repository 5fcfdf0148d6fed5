"""What was answered together is summed up, and how much each rating matters is derived from it.

The sums begin with what is merged from now on; `voc-stream rebuild` fills them for what is stored.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

KEY = sa.Text(collation="C")
TIME = sa.DateTime(timezone=True)
ADDED_IN_PLACE = {"fillfactor": "50"}


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "experience",
        sa.Column(
            "is_outcome",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="what all other experiences lead to / 是否结果指标",
        ),
        schema="voc",
    )
    op.execute(
        "COMMENT ON COLUMN voc.lock.name IS 'histories, sites, details, assessment, evaluation,"
        " outbox, retractions, texts or importance'"
    )
    op.create_table(
        "answer_product",
        _column("month", sa.Date(), "first day of the month, in the time of the site"),
        _column("scope_type", KEY, "all, site or segment"),
        _column("scope", KEY, "the site or segment; '' for all"),
        _column("first", KEY, "a rating"),
        _column(
            "second", KEY, "another rating of the same callback; its name comes after the first"
        ),
        _column("n", sa.BigInteger(), "callbacks that gave both"),
        _column("first_sum", sa.BigInteger(), "sum of scores of the first, in hundredths"),
        _column("second_sum", sa.BigInteger(), "sum of scores of the second"),
        _column("first_sq_sum", sa.Numeric(), "sum of squared scores of the first"),
        _column("second_sq_sum", sa.Numeric(), "sum of squared scores of the second"),
        _column("product_sum", sa.Numeric(), "sum of products of both scores"),
        sa.PrimaryKeyConstraint("month", "scope_type", "scope", "first", "second"),
        comment="Cross-products of ratings that were given together, by month",
        postgresql_with=ADDED_IN_PLACE,
        schema="voc",
    )
    op.create_table(
        "answer_band",
        _column("month", sa.Date(), "first day of the month, in the time of the site"),
        _column("scope_type", KEY, "all, site or segment"),
        _column("scope", KEY, "the site or segment; '' for all"),
        _column("experience", KEY, "a rating that was given together with the outcome"),
        _column(
            "band", KEY, "low (6 or less), middle, or high (9 or more): the score of the rating"
        ),
        _column("n", sa.BigInteger(), "callbacks"),
        _column("total", sa.BigInteger(), "sum of their outcome, in hundredths"),
        _column("squares", sa.Numeric(), "sum of their squared outcome"),
        sa.PrimaryKeyConstraint("month", "scope_type", "scope", "experience", "band"),
        comment="The outcome of callbacks by how they scored another rating, by month",
        postgresql_with=ADDED_IN_PLACE,
        schema="voc",
    )
    op.create_table(
        "importance_weight",
        _column("scope_type", KEY, "all, site or segment / 范围类型"),
        _column("scope", KEY, "the site or segment; '' for all / 范围"),
        _column("experience", KEY, "a rating / 体验项"),
        _column("outcome", KEY, "what it is to explain / 结果指标"),
        _column("since", sa.Date(), "first month / 起始月份"),
        _column("until", sa.Date(), "last month / 截止月份"),
        _column("n", sa.BigInteger(), "callbacks: the fewest of any two ratings / 样本数"),
        _column("correlation", sa.Double(), "with the outcome / 相关系数"),
        _column(
            "beta", sa.Double(), "standardised coefficient; changes its sign at random / 标准化系数"
        ),
        _column(
            "weight", sa.Double(), "share of the outcome's variance that it explains / 相对权重"
        ),
        _column("weight_low", sa.Double(), "lower end of its 95 % interval / 95%置信下限"),
        _column("weight_high", sa.Double(), "upper end of its 95 % interval / 95%置信上限"),
        _column("share", sa.Double(), "the weight as a share of all weights / 占比"),
        _column("r_squared", sa.Double(), "what all ratings explain together / 可解释比例"),
        _optional("penalty", sa.Double(), "points of the outcome that a low score costs / 惩罚"),
        _optional("reward", sa.Double(), "points of the outcome that a high score brings / 奖励"),
        _optional(
            "asymmetry_low", sa.Double(), "lower end of the interval of penalty + reward / 下限"
        ),
        _optional(
            "asymmetry_high", sa.Double(), "upper end of the interval of penalty + reward / 上限"
        ),
        _optional("effect", sa.Text(), "hygiene, motivator or both; NULL if too few say so / 效应"),
        _column("as_of", TIME, "when it was derived / 计算时间"),
        sa.PrimaryKeyConstraint("scope_type", "scope", "experience"),
        comment="How much ratings matter for the outcome, derived from what was answered"
        " together in the last twelve months / 推导重要度",
        schema="voc",
    )


def _column(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _optional(name: str, kind: Any, comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, comment=comment)
