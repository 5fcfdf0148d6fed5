"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.Text(collation="C"), nullable=False, comment="alert / 告警编号"),
        sa.Column("rule", sa.Text(), nullable=False, comment="name of the rule / 规则"),
        sa.Column(
            "experience", sa.Text(collation="C"), nullable=True, comment="experience / 体验项"
        ),
        sa.Column("scope_type", sa.Text(), nullable=False, comment="kind of scope / 范围类型"),
        sa.Column("scope", sa.Text(collation="C"), nullable=False, comment="scope / 范围"),
        sa.Column("severity", sa.Text(), nullable=False, comment="severity / 严重程度"),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it started / 开始时间",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it ended; NULL while it fires / 结束时间",
        ),
        sa.Column(
            "evidence",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="numbers behind it / 证据",
        ),
        sa.Column("summary", sa.Text(), nullable=False, comment="one sentence for people / 摘要"),
        sa.PrimaryKeyConstraint("alert_id"),
        schema="voc",
        comment="One row per start of an alert / 告警",
    )
    op.create_table(
        "churn_pending",
        sa.Column(
            "customer_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="customer whose risk may have changed",
        ),
        schema="voc",
        comment="Customers whose risk is to be assessed again; emptied by the upkeep",
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "20000",
            "autovacuum_vacuum_insert_scale_factor": "0",
        },
    )
    op.create_table(
        "churn_risk",
        sa.Column(
            "customer_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="customer who has not left / 客户编号",
        ),
        sa.Column(
            "risk",
            sa.Double(),
            nullable=False,
            comment="probability of leaving within the model's horizon, 0-1 / 流失风险",
        ),
        sa.Column(
            "band", sa.Text(), nullable=False, comment="low, medium, high or critical / 风险等级"
        ),
        sa.Column(
            "drivers",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="list of {driver, contribution}; the contributions add up to the log-hazard per"
            " month / 风险原因",
        ),
        sa.Column(
            "value_at_risk", sa.Double(), nullable=True, comment="risk x annual_value / 风险价值"
        ),
        sa.Column(
            "model_version",
            sa.Text(),
            nullable=False,
            comment="version of the model in the catalogue / 模型版本",
        ),
        sa.Column(
            "as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was assessed / 评估时间",
        ),
        sa.Column(
            "next_change_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the passing of time alone will change it / 下次变化时间",
        ),
        sa.PrimaryKeyConstraint("customer_id"),
        schema="voc",
        comment="Every customer's risk of leaving, with its reasons / 客户流失风险",
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "churn_risk_next_change_at", "churn_risk", ["next_change_at"], unique=False, schema="voc"
    )
    op.create_table(
        "complaint",
        sa.Column(
            "complaint_id", sa.Text(collation="C"), nullable=False, comment="complaint / 投诉编号"
        ),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="counts the writes of this row; a writer that read an older one starts again",
        ),
        sa.Column(
            "fold_state",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="what later events may still need of earlier ones; not for readers",
        ),
        sa.Column(
            "customer_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="customer, as stated latest / 客户编号",
        ),
        sa.Column(
            "site_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="site, as stated latest / 门店",
        ),
        sa.Column(
            "order_id",
            sa.Text(collation="C"),
            nullable=True,
            comment="repair order, as stated latest / 维修工单",
        ),
        sa.Column(
            "category",
            sa.Text(),
            nullable=True,
            comment="experience complained about, as stated latest / 投诉类别",
        ),
        sa.Column(
            "severity",
            sa.Text(),
            nullable=False,
            comment="minor or major, as stated latest / 严重程度",
        ),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="furthest action since the latest reopening / 状态",
        ),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest opening / 投诉时间",
        ),
        sa.Column(
            "acknowledged_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest acknowledgement after the latest reopening / 受理时间",
        ),
        sa.Column(
            "apologised_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest apology after the latest reopening / 道歉时间",
        ),
        sa.Column(
            "resolved_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest resolution after the latest reopening / 解决时间",
        ),
        sa.Column(
            "informed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the customer was told, after the latest reopening / 告知时间",
        ),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest closing after the latest reopening / 关闭时间",
        ),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest withdrawal after the latest reopening / 撤回时间",
        ),
        sa.Column(
            "reopened", sa.Integer(), nullable=False, comment="how often it was reopened / 重开次数"
        ),
        sa.Column(
            "minutes_to_resolve",
            sa.Double(),
            nullable=True,
            comment="from opened_at to resolved_at, in minutes: the customer's whole wait"
            " / 解决用时（分钟）",
        ),
        sa.Column(
            "compensation",
            sa.Numeric(precision=15, scale=2),
            nullable=True,
            comment="compensation, as stated latest / 补偿金额",
        ),
        sa.Column(
            "handed_to",
            sa.Text(),
            nullable=True,
            comment="department it was handed to, as stated latest / 转交部门",
        ),
        sa.PrimaryKeyConstraint("complaint_id"),
        schema="voc",
        comment="One row per complaint / 投诉",
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "complaint_customer_id", "complaint", ["customer_id"], unique=False, schema="voc"
    )
    op.create_table(
        "contribution",
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
            nullable=False,
            comment="stated expectations, in hundredths",
        ),
        sa.Column(
            "importance",
            sa.ARRAY(sa.Integer()),
            nullable=False,
            comment="stated importances, in hundredths",
        ),
        schema="voc",
        comment="What has been accepted and not yet merged into experience_cube,"
        " pane and rolling_sum; emptied by the upkeep",
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "20000",
            "autovacuum_vacuum_insert_scale_factor": "0",
        },
    )
    op.create_table(
        "customer",
        sa.Column(
            "customer_id", sa.Text(collation="C"), nullable=False, comment="customer / 客户编号"
        ),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="counts the writes of this row; a writer that read an older one starts again",
        ),
        sa.Column(
            "fold_state",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="what later events may still need of earlier ones; not for readers",
        ),
        sa.Column(
            "segment",
            sa.Text(collation="C"),
            nullable=True,
            comment="segment, as stated latest / 客户细分",
        ),
        sa.Column(
            "region",
            sa.Text(collation="C"),
            nullable=True,
            comment="region, as stated latest / 区域",
        ),
        sa.Column(
            "annual_value",
            sa.Numeric(precision=15, scale=2),
            nullable=True,
            comment="value a year, as stated latest / 年价值",
        ),
        sa.Column(
            "lifecycle_stage",
            sa.Text(),
            nullable=True,
            comment="target, prospect, opportunity, contracted or user, as stated latest"
            " / 生命周期阶段",
        ),
        sa.Column(
            "churned_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the customer left, latest / 流失时间",
        ),
        sa.Column(
            "won_back_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the customer was won back, latest / 挽回时间",
        ),
        sa.Column(
            "churn_reason",
            sa.Text(),
            nullable=True,
            comment="why the customer left, as stated latest / 流失原因",
        ),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="earliest event / 首次出现",
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="latest event / 最近出现",
        ),
        sa.PrimaryKeyConstraint("customer_id"),
        schema="voc",
        comment="One row per customer of any event / 客户",
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "dead_letter",
        sa.Column(
            "dead_letter_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="number of the refusal",
        ),
        sa.Column("topic_id", sa.Text(), nullable=False, comment="id of the log it was read from"),
        sa.Column(
            "topic", sa.Text(collation="C"), nullable=False, comment="topic it was read from / 主题"
        ),
        sa.Column(
            "partition", sa.Integer(), nullable=False, comment="partition it was read from / 分区"
        ),
        sa.Column(
            "offset", sa.BigInteger(), nullable=False, comment="offset in that partition / 位移"
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="short stable code / 原因代码"),
        sa.Column(
            "detail",
            sa.Text(),
            nullable=False,
            comment="what is wrong and what to do, for people / 说明",
        ),
        sa.Column(
            "payload",
            sa.LargeBinary(),
            nullable=True,
            comment="the refused message, whole; NULL for a message without a value / 原始消息",
        ),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it was refused / 接收时间",
        ),
        sa.Column(
            "retried_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was sent again / 重发时间",
        ),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it went to the dead-letter topic",
        ),
        sa.PrimaryKeyConstraint("dead_letter_id"),
        sa.UniqueConstraint("topic_id", "topic", "partition", "offset", name="dead_letter_source"),
        schema="voc",
        comment="One row per refused message / 死信",
    )
    op.create_index(
        "dead_letter_unpublished",
        "dead_letter",
        ["dead_letter_id"],
        unique=False,
        schema="voc",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "experience",
        sa.Column(
            "experience",
            sa.Text(collation="C"),
            nullable=False,
            comment="key of the experience / 体验项",
        ),
        sa.Column("label_en", sa.Text(), nullable=False, comment="English label"),
        sa.Column("label_zh", sa.Text(), nullable=False, comment="中文名称"),
        sa.Column(
            "factor",
            sa.Text(),
            nullable=False,
            comment="product, service, relationship, convenience, brand or price / 因素",
        ),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="rating, process or timing; never averaged together / 类型",
        ),
        sa.Column("unit", sa.Text(), nullable=False, comment="score (0-10) or minutes / 单位"),
        sa.Column("stage", sa.Text(), nullable=True, comment="stage of the repair flow / 环节"),
        sa.Column(
            "expectation",
            sa.Double(),
            nullable=True,
            comment="expectation where none was stated / 默认期望",
        ),
        sa.Column(
            "importance",
            sa.Double(),
            nullable=True,
            comment="importance where none was stated / 默认重要度",
        ),
        sa.Column("ideal", sa.Double(), nullable=True, comment="ideal / 理想值"),
        sa.Column("is_key", sa.Boolean(), nullable=False, comment="key experience / 关键体验"),
        sa.Column(
            "is_hygiene",
            sa.Boolean(),
            nullable=False,
            comment="hygiene factor: only bad values count / 保健因素",
        ),
        sa.Column(
            "drop_threshold",
            sa.Double(),
            nullable=False,
            comment="points of drop that are worth an alert / 下降阈值",
        ),
        sa.Column(
            "satisfaction_threshold",
            sa.Double(),
            nullable=False,
            comment="satisfaction below which an alert is worth it / 满意度阈值",
        ),
        sa.Column(
            "weighted_satisfaction_threshold",
            sa.Double(),
            nullable=True,
            comment="weighted satisfaction below which an alert is worth it / 加权满意度阈值",
        ),
        sa.Column(
            "minimum_samples",
            sa.Integer(),
            nullable=False,
            comment="samples that an alert needs / 最少样本数",
        ),
        sa.PrimaryKeyConstraint("experience"),
        schema="voc",
        comment="The catalogue, mirrored for joins / 体验项目录",
    )
    op.create_table(
        "experience_cube",
        sa.Column("day", sa.Date(), nullable=False, comment="day (UTC)"),
        sa.Column("experience", sa.Text(collation="C"), nullable=False, comment="experience"),
        sa.Column(
            "site_id", sa.Text(collation="C"), nullable=False, comment="site, '' where unknown"
        ),
        sa.Column(
            "department",
            sa.Text(collation="C"),
            nullable=False,
            comment="department, '' where unknown",
        ),
        sa.Column(
            "employee_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="employee, '' where unknown",
        ),
        sa.Column(
            "product", sa.Text(collation="C"), nullable=False, comment="product, '' where unknown"
        ),
        sa.Column(
            "segment", sa.Text(collation="C"), nullable=False, comment="segment, '' where unknown"
        ),
        sa.Column("n", sa.BigInteger(), nullable=False, comment="contributions / 样本数"),
        sa.Column(
            "score_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of values, in hundredths of a point (of a minute for timings)"
            " / 分值之和（百分之一分）",
        ),
        sa.Column(
            "score_sq_sum",
            sa.Numeric(),
            nullable=False,
            comment="sum of squared values, in hundredths squared / 分值平方和",
        ),
        sa.Column(
            "expectation_n",
            sa.BigInteger(),
            nullable=False,
            comment="contributions with a stated expectation / 有期望值的样本数",
        ),
        sa.Column(
            "expectation_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of stated expectations, in hundredths / 期望值之和",
        ),
        sa.Column(
            "importance_n",
            sa.BigInteger(),
            nullable=False,
            comment="contributions with a stated importance / 有重要度的样本数",
        ),
        sa.Column(
            "importance_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of stated importances, in hundredths / 重要度之和",
        ),
        sa.Column("bin_0", sa.BigInteger(), nullable=False, comment="count of histogram bin 0"),
        sa.Column("bin_1", sa.BigInteger(), nullable=False, comment="count of histogram bin 1"),
        sa.Column("bin_2", sa.BigInteger(), nullable=False, comment="count of histogram bin 2"),
        sa.Column("bin_3", sa.BigInteger(), nullable=False, comment="count of histogram bin 3"),
        sa.Column("bin_4", sa.BigInteger(), nullable=False, comment="count of histogram bin 4"),
        sa.Column("bin_5", sa.BigInteger(), nullable=False, comment="count of histogram bin 5"),
        sa.Column("bin_6", sa.BigInteger(), nullable=False, comment="count of histogram bin 6"),
        sa.Column("bin_7", sa.BigInteger(), nullable=False, comment="count of histogram bin 7"),
        sa.Column("bin_8", sa.BigInteger(), nullable=False, comment="count of histogram bin 8"),
        sa.Column("bin_9", sa.BigInteger(), nullable=False, comment="count of histogram bin 9"),
        sa.Column("bin_10", sa.BigInteger(), nullable=False, comment="count of histogram bin 10"),
        sa.PrimaryKeyConstraint(
            "day", "experience", "site_id", "department", "employee_id", "product", "segment"
        ),
        schema="voc",
        comment="Merged part of experience_daily; read that view instead",
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "pane",
        sa.Column(
            "resolution",
            sa.SmallInteger(),
            nullable=False,
            comment="5 (minutes), 60 (an hour) or 1440 (a day)",
        ),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False, comment="start of the pane"),
        sa.Column(
            "scope_type",
            sa.Text(collation="C"),
            nullable=False,
            comment="all, site, region, department, employee, product or segment",
        ),
        sa.Column("scope", sa.Text(collation="C"), nullable=False, comment="'' for all"),
        sa.Column("experience", sa.Text(collation="C"), nullable=False, comment="experience"),
        sa.Column("n", sa.BigInteger(), nullable=False, comment="contributions / 样本数"),
        sa.Column(
            "score_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of values, in hundredths of a point (of a minute for timings)"
            " / 分值之和（百分之一分）",
        ),
        sa.Column(
            "score_sq_sum",
            sa.Numeric(),
            nullable=False,
            comment="sum of squared values, in hundredths squared / 分值平方和",
        ),
        sa.Column(
            "expectation_n",
            sa.BigInteger(),
            nullable=False,
            comment="contributions with a stated expectation / 有期望值的样本数",
        ),
        sa.Column(
            "expectation_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of stated expectations, in hundredths / 期望值之和",
        ),
        sa.Column(
            "importance_n",
            sa.BigInteger(),
            nullable=False,
            comment="contributions with a stated importance / 有重要度的样本数",
        ),
        sa.Column(
            "importance_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of stated importances, in hundredths / 重要度之和",
        ),
        sa.Column("top_n", sa.BigInteger(), nullable=False, comment="values of 9 points or more"),
        sa.Column(
            "bottom_n", sa.BigInteger(), nullable=False, comment="values of 6 points or less"
        ),
        sa.PrimaryKeyConstraint("resolution", "start", "scope_type", "scope", "experience"),
        schema="voc",
        comment="Merged sums by time pane and scope: what enters and leaves the horizons",
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "repair_order",
        sa.Column(
            "order_id", sa.Text(collation="C"), nullable=False, comment="repair order / 维修工单"
        ),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="counts the writes of this row; a writer that read an older one starts again",
        ),
        sa.Column(
            "fold_state",
            postgresql.JSON(astext_type=sa.Text()),
            nullable=False,
            comment="what later events may still need of earlier ones; not for readers",
        ),
        sa.Column(
            "customer_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="customer, as stated latest / 客户编号",
        ),
        sa.Column(
            "site_id",
            sa.Text(collation="C"),
            nullable=True,
            comment="shop, as stated latest / 门店",
        ),
        sa.Column(
            "product",
            sa.Text(collation="C"),
            nullable=True,
            comment="product, as stated latest / 产品",
        ),
        sa.Column(
            "current_stage", sa.Text(), nullable=True, comment="stage of the latest step / 当前环节"
        ),
        sa.Column(
            "promised_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="promised delivery, as stated latest / 承诺交车时间",
        ),
        sa.Column(
            "delivered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="exit from the delivery stage / 实际交车时间",
        ),
        sa.Column(
            "on_time",
            sa.Boolean(),
            nullable=True,
            comment="delivered_at <= promised_at; NULL while either is unknown / 是否按时交车",
        ),
        sa.Column(
            "follow_up_due_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="72 hours after delivery / 回访截止时间",
        ),
        sa.Column(
            "followed_up_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="earliest completed callback or follow-up exit after delivery / 回访时间",
        ),
        sa.Column(
            "estimated_amount",
            sa.Numeric(precision=15, scale=2),
            nullable=True,
            comment="estimated amount, as stated latest / 估价",
        ),
        sa.Column(
            "final_amount",
            sa.Numeric(precision=15, scale=2),
            nullable=True,
            comment="final amount, as stated latest / 结算金额",
        ),
        sa.Column(
            "peak_score",
            sa.Numeric(precision=5, scale=3),
            nullable=True,
            comment="score farthest from 5, of equals the lower, 0-10 / 峰值",
        ),
        sa.Column(
            "end_score",
            sa.Numeric(precision=5, scale=3),
            nullable=True,
            comment="score of the last moment, 0-10 / 终值",
        ),
        sa.Column(
            "memory_score",
            sa.Numeric(precision=5, scale=3),
            nullable=True,
            comment="(peak + end) / 2: how the journey is remembered / 峰终记忆分",
        ),
        sa.Column(
            "mean_score",
            sa.Double(),
            nullable=True,
            comment="plain mean of the moments, 0-10 / 平均分",
        ),
        sa.Column(
            "last_moment_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the last scored moment was / 最后评分时间",
        ),
        sa.PrimaryKeyConstraint("order_id"),
        schema="voc",
        comment="One row per repair order: its way through the workshop and how it was judged"
        " / 维修工单",
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "repair_order_customer_id", "repair_order", ["customer_id"], unique=False, schema="voc"
    )
    op.create_table(
        "rolling_clock",
        sa.Column(
            "singleton", sa.Boolean(), nullable=False, comment="always true: there is one row"
        ),
        sa.Column(
            "as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the moment at which the horizons end",
        ),
        sa.CheckConstraint("singleton", name="rolling_clock_singleton"),
        sa.PrimaryKeyConstraint("singleton"),
        schema="voc",
        comment="The moment of the last refresh of the rolling tables",
    )
    op.create_table(
        "rolling_sum",
        sa.Column(
            "horizon", sa.Text(collation="C"), nullable=False, comment="1h, 24h, 7d, 30d or 90d"
        ),
        sa.Column(
            "scope_type",
            sa.Text(collation="C"),
            nullable=False,
            comment="all, site, region, department, employee, product or segment",
        ),
        sa.Column("scope", sa.Text(collation="C"), nullable=False, comment="'' for all"),
        sa.Column("experience", sa.Text(collation="C"), nullable=False, comment="experience"),
        sa.Column("n", sa.BigInteger(), nullable=False, comment="contributions / 样本数"),
        sa.Column(
            "score_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of values, in hundredths of a point (of a minute for timings)"
            " / 分值之和（百分之一分）",
        ),
        sa.Column(
            "score_sq_sum",
            sa.Numeric(),
            nullable=False,
            comment="sum of squared values, in hundredths squared / 分值平方和",
        ),
        sa.Column(
            "expectation_n",
            sa.BigInteger(),
            nullable=False,
            comment="contributions with a stated expectation / 有期望值的样本数",
        ),
        sa.Column(
            "expectation_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of stated expectations, in hundredths / 期望值之和",
        ),
        sa.Column(
            "importance_n",
            sa.BigInteger(),
            nullable=False,
            comment="contributions with a stated importance / 有重要度的样本数",
        ),
        sa.Column(
            "importance_sum",
            sa.BigInteger(),
            nullable=False,
            comment="sum of stated importances, in hundredths / 重要度之和",
        ),
        sa.Column("top_n", sa.BigInteger(), nullable=False, comment="values of 9 points or more"),
        sa.Column(
            "bottom_n", sa.BigInteger(), nullable=False, comment="values of 6 points or less"
        ),
        sa.PrimaryKeyConstraint("horizon", "scope_type", "scope", "experience"),
        schema="voc",
        comment="Sums over the panes of each horizon; read the view rolling_satisfaction instead",
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "stream_position",
        sa.Column("topic", sa.Text(collation="C"), nullable=False, comment="input topic / 主题"),
        sa.Column("partition", sa.Integer(), nullable=False, comment="partition / 分区"),
        sa.Column(
            "topic_id",
            sa.Text(),
            nullable=False,
            comment="Kafka's id of the topic: another id is another log",
        ),
        sa.Column(
            "next_offset",
            sa.BigInteger(),
            nullable=False,
            comment="offset after the last message that the tables contain / 下一位移",
        ),
        sa.Column(
            "event_time",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="latest occurred_at taken in from here / 最新事件时间",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it last moved / 更新时间",
        ),
        sa.PrimaryKeyConstraint("topic", "partition"),
        schema="voc",
        comment="How far each input partition is contained in the tables / 读取位置",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "touchpoint_event",
        sa.Column(
            "event_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="unique for ever; the same id again is the same event / 事件编号",
        ),
        sa.Column(
            "type",
            sa.Text(),
            nullable=False,
            comment="callback, complaint, repair_step, touchpoint or customer / 事件类型",
        ),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when it happened / 发生时间",
        ),
        sa.Column(
            "ingested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it was written here / 入库时间",
        ),
        sa.Column(
            "customer_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="whom it concerns / 客户编号",
        ),
        sa.Column(
            "site_id",
            sa.Text(collation="C"),
            nullable=True,
            comment="shop or call-centre site / 门店或呼叫中心",
        ),
        sa.Column("department", sa.Text(collation="C"), nullable=True, comment="department / 部门"),
        sa.Column(
            "employee_id", sa.Text(collation="C"), nullable=True, comment="employee / 员工编号"
        ),
        sa.Column("product", sa.Text(collation="C"), nullable=True, comment="product / 产品"),
        sa.Column("channel", sa.Text(collation="C"), nullable=True, comment="channel / 渠道"),
        sa.Column(
            "order_id", sa.Text(collation="C"), nullable=True, comment="repair order / 维修工单"
        ),
        sa.Column(
            "body",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the whole event as it came, with fields unknown here / 原始内容",
        ),
        sa.Column(
            "topic", sa.Text(collation="C"), nullable=False, comment="topic it was read from"
        ),
        sa.Column("partition", sa.Integer(), nullable=False, comment="partition it was read from"),
        sa.Column("offset", sa.BigInteger(), nullable=False, comment="offset in that partition"),
        sa.PrimaryKeyConstraint("event_id"),
        schema="voc",
        comment="One row per accepted event: the facts from which every other table can be"
        " recomputed / 事件明细",
    )
    op.create_index(
        "touchpoint_event_customer_id",
        "touchpoint_event",
        ["customer_id"],
        unique=False,
        schema="voc",
    )
    op.create_index(
        "touchpoint_event_occurred_at",
        "touchpoint_event",
        ["occurred_at"],
        unique=False,
        schema="voc",
        postgresql_using="brin",
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index(
        "touchpoint_event_occurred_at",
        table_name="touchpoint_event",
        schema="voc",
        postgresql_using="brin",
    )
    op.drop_index("touchpoint_event_customer_id", table_name="touchpoint_event", schema="voc")
    op.drop_table("touchpoint_event", schema="voc")
    op.drop_table("stream_position", schema="voc")
    op.drop_table("rolling_sum", schema="voc")
    op.drop_table("rolling_clock", schema="voc")
    op.drop_index("repair_order_customer_id", table_name="repair_order", schema="voc")
    op.drop_table("repair_order", schema="voc")
    op.drop_table("pane", schema="voc")
    op.drop_table("experience_cube", schema="voc")
    op.drop_table("experience", schema="voc")
    op.drop_index(
        "dead_letter_unpublished",
        table_name="dead_letter",
        schema="voc",
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.drop_table("dead_letter", schema="voc")
    op.drop_table("customer", schema="voc")
    op.drop_table("contribution", schema="voc")
    op.drop_index("complaint_customer_id", table_name="complaint", schema="voc")
    op.drop_table("complaint", schema="voc")
    op.drop_index("churn_risk_next_change_at", table_name="churn_risk", schema="voc")
    op.drop_table("churn_risk", schema="voc")
    op.drop_table("churn_pending", schema="voc")
    op.drop_table("alert", schema="voc")
