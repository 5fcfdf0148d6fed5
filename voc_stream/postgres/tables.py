"""The tables of schema `voc`, with the comments that the data dictionary is made from.

Text keys are collated "C", so that the order of ids is that of their bytes, the same in PostgreSQL and in Python.
Tables whose columns change often keep those columns out of indexes and leave room in their pages, so that updates stay in place.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

SCHEMA = "voc"
SCORE_BINS = 11
# Columns that only writers need, or that hold what a customer wrote: BI tools do not see them.
WRITERS_ONLY = frozenset({"version", "fold_state", "payload", "topic_id"})

metadata = MetaData(schema=SCHEMA)

_KEY = Text(collation="C")
_TIME = DateTime(timezone=True)
# A queue is emptied again and again: vacuum it by its churn, not by its size.
_QUEUE = {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "20000", "autovacuum_vacuum_insert_scale_factor": "0"}
_MONEY = Numeric(15, 2)  # up to a million millions and the cents
_POINTS = Numeric(5, 3)


def _column(name: str, type_: Any, comment: str, *extra: Any, null: bool = True, **options: Any) -> Column[Any]:
    return Column(name, type_, *extra, nullable=null, comment=comment, **options)


def _required(name: str, type_: Any, comment: str, *extra: Any, **options: Any) -> Column[Any]:
    return _column(name, type_, comment, *extra, null=False, **options)


def _sums() -> list[Column[Any]]:
    return [
        _required("n", BigInteger, "contributions / 样本数"),
        _required("score_sum", BigInteger, "sum of values, in hundredths of a point (of a minute for timings) / 分值之和（百分之一分）"),
        _required("score_sq_sum", Numeric, "sum of squared values, in hundredths squared / 分值平方和"),
        _required("expectation_n", BigInteger, "contributions with a stated expectation / 有期望值的样本数"),
        _required("expectation_sum", BigInteger, "sum of stated expectations, in hundredths / 期望值之和"),
        _required("importance_n", BigInteger, "contributions with a stated importance / 有重要度的样本数"),
        _required("importance_sum", BigInteger, "sum of stated importances, in hundredths / 重要度之和"),
    ]


def _boxes() -> list[Column[Any]]:
    return [
        _required("top_n", BigInteger, "values of 9 points or more"),
        _required("bottom_n", BigInteger, "values of 6 points or less"),
    ]


touchpoint_event = Table(
    "touchpoint_event",
    metadata,
    _required("event_id", _KEY, "unique for ever; the same id again is the same event / 事件编号"),
    _required("type", Text, "callback, complaint, repair_step, touchpoint or customer / 事件类型"),
    _required("occurred_at", _TIME, "when it happened / 发生时间"),
    _required("ingested_at", _TIME, "when it was written here / 入库时间", server_default=func.now()),
    _required("customer_id", _KEY, "whom it concerns / 客户编号"),
    _column("site_id", _KEY, "shop or call-centre site / 门店或呼叫中心"),
    _column("department", _KEY, "department / 部门"),
    _column("employee_id", _KEY, "employee / 员工编号"),
    _column("product", _KEY, "product / 产品"),
    _column("channel", _KEY, "channel / 渠道"),
    _column("order_id", _KEY, "repair order / 维修工单"),
    _required("body", JSONB, "the whole event as it came, with fields unknown here / 原始内容"),
    _required("topic", _KEY, "topic it was read from"),
    _required("partition", Integer, "partition it was read from"),
    _required("offset", BigInteger, "offset in that partition"),
    PrimaryKeyConstraint("event_id"),
    Index("touchpoint_event_customer_id", "customer_id"),
    Index("touchpoint_event_occurred_at", "occurred_at", postgresql_using="brin"),
    comment="One row per accepted event: the facts from which every other table can be recomputed / 事件明细",
)

repair_order = Table(
    "repair_order",
    metadata,
    _required("order_id", _KEY, "repair order / 维修工单"),
    _required("version", Integer, "counts the writes of this row; a writer that read an older one starts again"),
    _required("fold_state", JSON, "what later events may still need of earlier ones; not for readers"),
    _required("customer_id", _KEY, "customer, as stated latest / 客户编号"),
    _column("site_id", _KEY, "shop, as stated latest / 门店"),
    _column("product", _KEY, "product, as stated latest / 产品"),
    _column("current_stage", Text, "stage of the latest step / 当前环节"),
    _column("promised_at", _TIME, "promised delivery, as stated latest / 承诺交车时间"),
    _column("delivered_at", _TIME, "exit from the delivery stage / 实际交车时间"),
    _column("on_time", Boolean, "delivered_at <= promised_at; NULL while either is unknown / 是否按时交车"),
    _column("follow_up_due_at", _TIME, "72 hours after delivery / 回访截止时间"),
    _column("followed_up_at", _TIME, "earliest completed callback or follow-up exit after delivery / 回访时间"),
    _column("estimated_amount", _MONEY, "estimated amount, as stated latest / 估价"),
    _column("final_amount", _MONEY, "final amount, as stated latest / 结算金额"),
    _column("peak_score", _POINTS, "score farthest from 5, of equals the lower, 0-10 / 峰值"),
    _column("end_score", _POINTS, "score of the last moment, 0-10 / 终值"),
    _column("memory_score", _POINTS, "(peak + end) / 2: how the journey is remembered / 峰终记忆分"),
    _column("mean_score", Double, "plain mean of the moments, 0-10 / 平均分"),
    _column("last_moment_at", _TIME, "when the last scored moment was / 最后评分时间"),
    PrimaryKeyConstraint("order_id"),
    Index("repair_order_customer_id", "customer_id"),
    comment="One row per repair order: its way through the workshop and how it was judged / 维修工单",
    postgresql_with={"fillfactor": "70"},
)

complaint = Table(
    "complaint",
    metadata,
    _required("complaint_id", _KEY, "complaint / 投诉编号"),
    _required("version", Integer, "counts the writes of this row; a writer that read an older one starts again"),
    _required("fold_state", JSON, "what later events may still need of earlier ones; not for readers"),
    _required("customer_id", _KEY, "customer, as stated latest / 客户编号"),
    _required("site_id", _KEY, "site, as stated latest / 门店"),
    _column("order_id", _KEY, "repair order, as stated latest / 维修工单"),
    _column("category", Text, "experience complained about, as stated latest / 投诉类别"),
    _required("severity", Text, "minor or major, as stated latest / 严重程度"),
    _required("state", Text, "furthest action since the latest reopening / 状态"),
    _column("opened_at", _TIME, "earliest opening / 投诉时间"),
    _column("acknowledged_at", _TIME, "earliest acknowledgement after the latest reopening / 受理时间"),
    _column("apologised_at", _TIME, "earliest apology after the latest reopening / 道歉时间"),
    _column("resolved_at", _TIME, "earliest resolution after the latest reopening / 解决时间"),
    _column("informed_at", _TIME, "when the customer was told, after the latest reopening / 告知时间"),
    _column("closed_at", _TIME, "earliest closing after the latest reopening / 关闭时间"),
    _column("withdrawn_at", _TIME, "earliest withdrawal after the latest reopening / 撤回时间"),
    _required("reopened", Integer, "how often it was reopened / 重开次数"),
    _column("minutes_to_resolve", Double, "from opened_at to resolved_at, in minutes: the customer's whole wait / 解决用时（分钟）"),
    _column("compensation", _MONEY, "compensation, as stated latest / 补偿金额"),
    _column("handed_to", Text, "department it was handed to, as stated latest / 转交部门"),
    PrimaryKeyConstraint("complaint_id"),
    Index("complaint_customer_id", "customer_id"),
    comment="One row per complaint / 投诉",
    postgresql_with={"fillfactor": "70"},
)

customer = Table(
    "customer",
    metadata,
    _required("customer_id", _KEY, "customer / 客户编号"),
    _required("version", Integer, "counts the writes of this row; a writer that read an older one starts again"),
    _required("fold_state", JSON, "what later events may still need of earlier ones; not for readers"),
    _column("segment", _KEY, "segment, as stated latest / 客户细分"),
    _column("region", _KEY, "region, as stated latest / 区域"),
    _column("annual_value", _MONEY, "value a year, as stated latest / 年价值"),
    _column("lifecycle_stage", Text, "target, prospect, opportunity, contracted or user, as stated latest / 生命周期阶段"),
    _column("churned_at", _TIME, "when the customer left, latest / 流失时间"),
    _column("won_back_at", _TIME, "when the customer was won back, latest / 挽回时间"),
    _column("churn_reason", Text, "why the customer left, as stated latest / 流失原因"),
    _required("first_seen_at", _TIME, "earliest event / 首次出现"),
    _required("last_seen_at", _TIME, "latest event / 最近出现"),
    PrimaryKeyConstraint("customer_id"),
    comment="One row per customer of any event / 客户",
    postgresql_with={"fillfactor": "70"},
)

churn_risk = Table(
    "churn_risk",
    metadata,
    _required("customer_id", _KEY, "customer who has not left / 客户编号"),
    _required("risk", Double, "probability of leaving within the model's horizon, 0-1 / 流失风险"),
    _required("band", Text, "low, medium, high or critical / 风险等级"),
    _required("drivers", JSONB, "list of {driver, contribution}; the contributions add up to the log-hazard per month / 风险原因"),
    _column("value_at_risk", Double, "risk x annual_value / 风险价值"),
    _required("model_version", Text, "version of the model in the catalogue / 模型版本"),
    _required("as_of", _TIME, "when it was assessed / 评估时间"),
    _column("next_change_at", _TIME, "when the passing of time alone will change it / 下次变化时间"),
    PrimaryKeyConstraint("customer_id"),
    Index("churn_risk_next_change_at", "next_change_at"),
    comment="Every customer's risk of leaving, with its reasons / 客户流失风险",
    postgresql_with={"fillfactor": "70"},
)

churn_pending = Table(
    "churn_pending",
    metadata,
    _required("customer_id", _KEY, "customer whose risk may have changed"),
    comment="Customers whose risk is to be assessed again; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

alert = Table(
    "alert",
    metadata,
    _required("alert_id", _KEY, "alert / 告警编号"),
    _required("rule", Text, "name of the rule / 规则"),
    _column("experience", _KEY, "experience / 体验项"),
    _required("scope_type", Text, "kind of scope / 范围类型"),
    _required("scope", _KEY, "scope / 范围"),
    _required("severity", Text, "severity / 严重程度"),
    _required("started_at", _TIME, "when it started / 开始时间"),
    _column("ended_at", _TIME, "when it ended; NULL while it fires / 结束时间"),
    _required("evidence", JSONB, "numbers behind it / 证据"),
    _required("summary", Text, "one sentence for people / 摘要"),
    PrimaryKeyConstraint("alert_id"),
    comment="One row per start of an alert / 告警",
)

dead_letter = Table(
    "dead_letter",
    metadata,
    _required("dead_letter_id", BigInteger, "number of the refusal", Identity(always=True)),
    _required("topic_id", Text, "id of the log it was read from"),
    _required("topic", _KEY, "topic it was read from / 主题"),
    _required("partition", Integer, "partition it was read from / 分区"),
    _required("offset", BigInteger, "offset in that partition / 位移"),
    _required("reason", Text, "short stable code / 原因代码"),
    _required("detail", Text, "what is wrong and what to do, for people / 说明"),
    _column("payload", LargeBinary, "the refused message, whole; NULL for a message without a value / 原始消息"),
    _required("received_at", _TIME, "when it was refused / 接收时间"),
    _column("retried_at", _TIME, "when it was sent again / 重发时间"),
    _column("published_at", _TIME, "when it went to the dead-letter topic"),
    PrimaryKeyConstraint("dead_letter_id"),
    UniqueConstraint("topic_id", "topic", "partition", "offset", name="dead_letter_source"),
    Index("dead_letter_unpublished", "dead_letter_id", postgresql_where=text("published_at IS NULL")),
    comment="One row per refused message / 死信",
)

stream_position = Table(
    "stream_position",
    metadata,
    _required("topic", _KEY, "input topic / 主题"),
    _required("partition", Integer, "partition / 分区"),
    _required("topic_id", Text, "Kafka's id of the topic: another id is another log"),
    _required("next_offset", BigInteger, "offset after the last message that the tables contain / 下一位移"),
    _column("event_time", _TIME, "latest occurred_at taken in from here / 最新事件时间"),
    _required("updated_at", _TIME, "when it last moved / 更新时间", server_default=func.now()),
    PrimaryKeyConstraint("topic", "partition"),
    comment="How far each input partition is contained in the tables / 读取位置",
    postgresql_with={"fillfactor": "50"},
)

contribution = Table(
    "contribution",
    metadata,
    _required("moment", _TIME, "when it counts"),
    _required("site_id", Text, "site, '' where unknown"),
    _required("department", Text, "department, '' where unknown"),
    _required("employee_id", Text, "employee, '' where unknown"),
    _required("product", Text, "product, '' where unknown"),
    _required("segment", Text, "segment, '' where unknown"),
    _required("region", Text, "region, '' where unknown"),
    _required("weight", SmallInteger, "1 adds, -1 takes back"),
    _required("experience", ARRAY(Text), "experiences"),
    _required("value", ARRAY(Integer), "their values, in hundredths"),
    _required("expectation", ARRAY(Integer), "stated expectations, in hundredths"),
    _required("importance", ARRAY(Integer), "stated importances, in hundredths"),
    comment="What has been accepted and not yet merged into experience_cube, pane and rolling_sum; emptied by the upkeep",
    postgresql_with=_QUEUE,
)

experience_cube = Table(
    "experience_cube",
    metadata,
    _required("day", Date, "day (UTC)"),
    _required("experience", _KEY, "experience"),
    _required("site_id", _KEY, "site, '' where unknown"),
    _required("department", _KEY, "department, '' where unknown"),
    _required("employee_id", _KEY, "employee, '' where unknown"),
    _required("product", _KEY, "product, '' where unknown"),
    _required("segment", _KEY, "segment, '' where unknown"),
    *_sums(),
    *(_required(f"bin_{number}", BigInteger, f"count of histogram bin {number}") for number in range(SCORE_BINS)),
    PrimaryKeyConstraint("day", "experience", "site_id", "department", "employee_id", "product", "segment"),
    comment="Merged part of experience_daily; read that view instead",
    postgresql_with={"fillfactor": "80"},
)

pane = Table(
    "pane",
    metadata,
    _required("resolution", SmallInteger, "5 (minutes), 60 (an hour) or 1440 (a day)"),
    _required("start", _TIME, "start of the pane"),
    _required("scope_type", _KEY, "all, site, region, department, employee, product or segment"),
    _required("scope", _KEY, "'' for all"),
    _required("experience", _KEY, "experience"),
    *_sums(),
    *_boxes(),
    PrimaryKeyConstraint("resolution", "start", "scope_type", "scope", "experience"),
    comment="Merged sums by time pane and scope: what enters and leaves the horizons",
    postgresql_with={"fillfactor": "80"},
)

rolling_sum = Table(
    "rolling_sum",
    metadata,
    _required("horizon", _KEY, "1h, 24h, 7d, 30d or 90d"),
    _required("scope_type", _KEY, "all, site, region, department, employee, product or segment"),
    _required("scope", _KEY, "'' for all"),
    _required("experience", _KEY, "experience"),
    *_sums(),
    *_boxes(),
    PrimaryKeyConstraint("horizon", "scope_type", "scope", "experience"),
    comment="Sums over the panes of each horizon; read the view rolling_satisfaction instead",
    postgresql_with={"fillfactor": "70"},
)

rolling_clock = Table(
    "rolling_clock",
    metadata,
    _required("singleton", Boolean, "always true: there is one row"),
    _required("as_of", _TIME, "the moment at which the horizons end"),
    PrimaryKeyConstraint("singleton"),
    CheckConstraint("singleton", name="rolling_clock_singleton"),
    comment="The moment of the last refresh of the rolling tables",
)

experience = Table(
    "experience",
    metadata,
    _required("experience", _KEY, "key of the experience / 体验项"),
    _required("label_en", Text, "English label"),
    _required("label_zh", Text, "中文名称"),
    _required("factor", Text, "product, service, relationship, convenience, brand or price / 因素"),
    _required("kind", Text, "rating, process or timing; never averaged together / 类型"),
    _required("unit", Text, "score (0-10) or minutes / 单位"),
    _column("stage", Text, "stage of the repair flow / 环节"),
    _column("expectation", Double, "expectation where none was stated / 默认期望"),
    _column("importance", Double, "importance where none was stated / 默认重要度"),
    _column("ideal", Double, "ideal / 理想值"),
    _required("is_key", Boolean, "key experience / 关键体验"),
    _required("is_hygiene", Boolean, "hygiene factor: only bad values count / 保健因素"),
    _required("drop_threshold", Double, "points of drop that are worth an alert / 下降阈值"),
    _required("satisfaction_threshold", Double, "satisfaction below which an alert is worth it / 满意度阈值"),
    _column("weighted_satisfaction_threshold", Double, "weighted satisfaction below which an alert is worth it / 加权满意度阈值"),
    _required("minimum_samples", Integer, "samples that an alert needs / 最少样本数"),
    PrimaryKeyConstraint("experience"),
    comment="The catalogue, mirrored for joins / 体验项目录",
)
