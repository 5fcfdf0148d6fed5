"""Declares the table of fitted churn models."""

from __future__ import annotations

from sqlalchemy import Double, Index, Integer, PrimaryKeyConstraint, Table, Text, text
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
