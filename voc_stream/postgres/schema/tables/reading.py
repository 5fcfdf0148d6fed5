"""Declares the tables that show customers at risk, alerts and the catalogue."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from voc_stream.postgres.schema.expressions.at_risk import AT_RISK
from voc_stream.postgres.schema.tables.columns import (
    KEY,
    TIME,
    column,
    metadata,
    required,
)

churn_risk = Table(
    "churn_risk",
    metadata,
    required("customer_id", KEY, "customer who has not left / 客户编号"),
    required("risk", Double, "probability of leaving within the model's horizon, 0-1 / 流失风险"),
    required("band", Text, "low, medium, high or critical / 风险等级"),
    required(
        "drivers",
        JSONB,
        "list of {driver, contribution}; the contributions add up to the log-hazard per month"
        " / 风险原因",
    ),
    column("value_at_risk", Double, "risk x annual_value / 风险价值"),
    required("model_version", Text, "version of the model: fitted, or of the catalogue / 模型版本"),
    required(
        "as_of",
        TIME,
        "since when the row says this: when it was last assessed to be otherwise than before"
        " / 评估时间：自此起本行未变",
    ),
    column(
        "next_change_at", TIME, "the passing of time alone will not change it before / 下次变化时间"
    ),
    PrimaryKeyConstraint("customer_id"),
    Index("churn_risk_next_change_at", "next_change_at"),
    # A risk that changes within its band is still written in its page.
    Index("churn_risk_at_risk", "customer_id", postgresql_where=text(AT_RISK)),
    comment="Every customer's risk of leaving, with its reasons / 客户流失风险",
    postgresql_with={"fillfactor": "70"},
)


alert = Table(
    "alert",
    metadata,
    required("alert_id", KEY, "alert / 告警编号"),
    required("rule", Text, "name of the rule / 规则"),
    column("experience", KEY, "experience / 体验项"),
    required("scope_type", Text, "kind of scope / 范围类型"),
    required("scope", KEY, "scope / 范围"),
    required("severity", Text, "severity / 严重程度"),
    required("started_at", TIME, "when it started / 开始时间"),
    column("ended_at", TIME, "when it ended; NULL while it fires / 结束时间"),
    required("evidence", JSONB, "numbers behind it / 证据"),
    required("summary", Text, "one sentence for people / 摘要"),
    required("updated_at", TIME, "when its evidence was last written / 证据更新时间"),
    PrimaryKeyConstraint("alert_id"),
    # At most one alert about the same subject is open.
    Index(
        "alert_open",
        "rule",
        text("coalesce(experience, '')"),
        "scope_type",
        "scope",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    comment="One row per start of an alert / 告警",
)


experience = Table(
    "experience",
    metadata,
    required("experience", KEY, "key of the experience / 体验项"),
    required("label_en", Text, "English label"),
    required("label_zh", Text, "中文名称"),
    required("factor", Text, "product, service, relationship, convenience, brand or price / 因素"),
    required(
        "kind", Text, "rating, process, timing, share, nps or ratio; never averaged together / 类型"
    ),
    required("unit", Text, "score (0-10), minutes, percent or count / 单位"),
    column("stage", Text, "stage of the repair flow / 环节"),
    column("expectation", Double, "expectation where none was stated / 默认期望"),
    column("importance", Double, "importance where none was stated / 默认重要度"),
    column("ideal", Double, "ideal / 理想值"),
    required("is_key", Boolean, "key experience / 关键体验"),
    required("is_hygiene", Boolean, "hygiene factor: only bad values count / 保健因素"),
    required("drop_threshold", Double, "points of drop that are worth an alert / 下降阈值"),
    required(
        "satisfaction_threshold",
        Double,
        "satisfaction below which an alert is worth it / 满意度阈值",
    ),
    column(
        "weighted_satisfaction_threshold",
        Double,
        "weighted satisfaction below which an alert is worth it / 加权满意度阈值",
    ),
    required("minimum_samples", Integer, "samples that an alert needs / 最少样本数"),
    required(
        "aliases",
        ARRAY(Text),
        "its earlier names: stored bodies of events may use them / 曾用名",
        server_default="{}",
    ),
    required(
        "scale",
        Text,
        "points, share, nps, minutes, percent or count: what its numbers are / 数值类型",
    ),
    required("shown_times", Double, "what a stored number is multiplied by to be shown / 显示倍数"),
    required("shown_unit", Text, "the unit of a number that is shown / 显示单位"),
    required("difference_unit", Text, "the unit of a difference that is shown / 差值单位"),
    required(
        "is_outcome",
        Boolean,
        "what all other experiences lead to / 是否结果指标",
        server_default=text("false"),
    ),
    PrimaryKeyConstraint("experience"),
    comment="The experiences and measures of the catalogue, for joins / 体验项目录",
)


flow_stage = Table(
    "flow_stage",
    metadata,
    required("stage", KEY, "stage of the trade's flow / 环节"),
    required("place", Integer, "1 for the first; stages follow each other / 顺序"),
    required("label_en", Text, "English label"),
    required("label_zh", Text, "中文名称"),
    required("is_after_delivery", Boolean, "it follows the end of the visit / 是否在交付之后"),
    PrimaryKeyConstraint("stage"),
    comment="The stages of the catalogue's flow, in their order / 流程环节",
)


site_calendar = Table(
    "site_calendar",
    metadata,
    required("site_id", Text, "site; '' for all that have no row / 门店"),
    required("time_zone", Text, "IANA time zone in which its days are counted / 时区"),
    column("closed_for_good", Date, "first day on which it does not exist any more / 永久关闭日期"),
    PrimaryKeyConstraint("site_id"),
    comment="The calendars of sites as the catalogue states them / 门店日历",
)
