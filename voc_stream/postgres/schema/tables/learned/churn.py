"""Declares the tables of fitted churn models, and of what came of stated risks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, Index, Integer, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from voc_stream.postgres.schema.tables.columns import KEY, TIME, column, metadata, required

churn_model = Table(
    "churn_model",
    metadata,
    required("version", KEY, "of the model; churn_risk.model_version names it / 模型版本"),
    required("fitted_at", TIME, "when it was fitted / 拟合时间"),
    required("fitted_until", TIME, "it has learned from the time before / 训练数据截止时间"),
    required("label", Text, "what counts as leaving: churned, the event / 流失定义"),
    required("horizon_days", Integer, "the gate judged risks of so many days / 评估期（天）"),
    required("leavers", Integer, "customers who left in the time it learned from / 流失客户数"),
    required("exposure_months", Double, "months of customers in that time / 客户月数"),
    required(
        "parameters",
        JSONB,
        "hazards per month by band of tenure, and multipliers by signal / 参数",
    ),
    required("errors", JSONB, "standard errors and covariance of their logarithms / 标准误"),
    required("calibration", JSONB, "by horizon in days, the line that makes risks true / 校准"),
    required("evaluation", JSONB, "how good its risks were out of time / 样本外评估"),
    required("state", Text, "candidate, active, refused or replaced / 状态"),
    required("because", Text, "why the gate decided so / 原因"),
    column("activated_at", TIME, "since when it decides risks / 启用时间"),
    PrimaryKeyConstraint("version"),
    # At most one model decides.
    Index("churn_model_active", "state", unique=True, postgresql_where=text("state = 'active'")),
    comment="Churn models that were fitted, one of which may decide risks / 流失模型",
)


churn_told = Table(
    "churn_told",
    metadata,
    required("landmark", TIME, "start of the month at which it was said / 月初时点"),
    required("horizon_days", Integer, "over how many days the risk runs / 期限（天）"),
    required("version", KEY, "of the model that said it / 模型版本"),
    required("group_type", KEY, "all, band or signal / 分组类型"),
    required("group_name", KEY, "the band or signal; '' for all / 分组"),
    required("bin", Integer, "the stated risk in thousandths, rounded down / 风险区间"),
    required("customers", BigInteger, "who were told so / 客户数"),
    required("leavers", BigInteger, "of them who had left when the horizon was over / 流失数"),
    required("risk_sum", Double, "sum of their stated risks / 风险合计"),
    PrimaryKeyConstraint(
        *("landmark", "horizon_days", "version", "group_type", "group_name", "bin")
    ),
    comment="Stated risks of leaving at starts of months, and what came of them / 风险与结果",
)
