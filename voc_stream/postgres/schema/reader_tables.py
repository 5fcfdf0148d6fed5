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
WRITERS_ONLY = frozenset({"version", "fold_state", "payload", "detail", "topic_id"})

# As the indexes below have them: what is looked up must be written the same.
COMPLAINT_ID = "normalize(body ->> 'complaint_id', NFC)"
IS_OPEN = "state IN ('opened', 'acknowledged', 'apologised', 'reopened')"
IS_RESOLVED = "state IN ('resolved', 'informed', 'closed') AND resolved_at IS NOT NULL"

metadata = MetaData(schema=SCHEMA)

KEY = Text(collation="C")
TIME = DateTime(timezone=True)
_MONEY = Numeric(15, 2)  # up to a million millions and the cents
_POINTS = Numeric(5, 3)


def column(
    name: str, type_: Any, comment: str, *extra: Any, null: bool = True, **options: Any
) -> Column[Any]:
    """A column with its comment; NULL is no data."""
    return Column(name, type_, *extra, nullable=null, comment=comment, **options)


def required(name: str, type_: Any, comment: str, *extra: Any, **options: Any) -> Column[Any]:
    """A column that always has a value."""
    return column(name, type_, comment, *extra, null=False, **options)


touchpoint_event = Table(
    "touchpoint_event",
    metadata,
    required("event_id", KEY, "unique for ever; the same id again is the same event / 事件编号"),
    required("type", Text, "callback, complaint, repair_step, touchpoint or customer / 事件类型"),
    required("occurred_at", TIME, "when it happened / 发生时间"),
    required("ingested_at", TIME, "when it was written here / 入库时间", server_default=func.now()),
    required("customer_id", KEY, "whom it concerns / 客户编号"),
    column("site_id", KEY, "shop or call-centre site / 门店或呼叫中心"),
    column("department", KEY, "department / 部门"),
    column("employee_id", KEY, "employee / 员工编号"),
    column("product", KEY, "product / 产品"),
    column("channel", KEY, "channel / 渠道"),
    column("order_id", KEY, "repair order / 维修工单"),
    required("body", JSONB, "the whole event as it came, with fields unknown here / 原始内容"),
    required("topic", KEY, "topic it was read from"),
    required("partition", Integer, "partition it was read from"),
    required("offset", BigInteger, "offset in that partition"),
    required(
        "is_scored", Boolean, "whether such an event may measure something by itself / 是否含评分"
    ),
    required(
        "is_contact",
        Boolean,
        "whether the customer was spoken to, in the flow of then / 是否接触到客户",
    ),
    PrimaryKeyConstraint("event_id"),
    Index("touchpoint_event_customer_id", "customer_id"),
    # In the order in which a customer's history is moved, piece by piece.
    Index(
        "touchpoint_event_scored",
        "customer_id",
        "event_id",
        postgresql_where=text("is_scored"),
    ),
    # What a reopening or a delivery that is told late makes count is looked up here.
    Index(
        "touchpoint_event_complaint_step",
        text(f"({COMPLAINT_ID})"),
        text("(body ->> 'action')"),
        "occurred_at",
        postgresql_where=text("type = 'complaint'"),
    ),
    Index(
        "touchpoint_event_contact", "order_id", "occurred_at", postgresql_where=text("is_contact")
    ),
    Index("touchpoint_event_occurred_at", "occurred_at", postgresql_using="brin"),
    # For what a retraction leaves of an order, which is read from its other events; of a complaint, the index of its steps tells.
    Index("touchpoint_event_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    comment="One row per accepted event that is not taken back: the facts from which every other table can be recomputed / 事件明细",
)

retraction = Table(
    "retraction",
    metadata,
    required("event_id", KEY, "its own id, unique among retractions for ever / 撤回编号"),
    required("occurred_at", TIME, "when the events were taken back / 撤回时间"),
    required("ingested_at", TIME, "when it was written here / 入库时间", server_default=func.now()),
    required("reason", Text, "why, for people; names no person / 撤回原因"),
    required("body", JSONB, "the whole message as it came, with the ids that it names / 原始内容"),
    required("topic", KEY, "topic it was read from"),
    required("partition", Integer, "partition it was read from"),
    required("offset", BigInteger, "offset in that partition"),
    PrimaryKeyConstraint("event_id"),
    comment="One row per accepted retraction / 撤回",
)

retracted_event = Table(
    "retracted_event",
    metadata,
    required(
        "event_id", KEY, "event that counts nowhere, whether it came or not / 被撤回的事件编号"
    ),
    required("retraction_id", KEY, "of the retractions that name it the earliest / 撤回编号"),
    required("retracted_at", TIME, "when that one occurred / 撤回时间"),
    PrimaryKeyConstraint("event_id"),
    comment="One row per event id that was taken back; kept for ever, so that no repetition brings the event back / 已撤回事件",
)

repair_order = Table(
    "repair_order",
    metadata,
    required("order_id", KEY, "repair order / 维修工单"),
    required(
        "version",
        Integer,
        "counts the writes of this row; a writer that read an older one starts again",
    ),
    required(
        "fold_state", JSON, "what later events may still need of earlier ones; not for readers"
    ),
    required("customer_id", KEY, "customer, as stated latest / 客户编号"),
    column("site_id", KEY, "shop, as stated latest / 门店"),
    column("product", KEY, "product, as stated latest / 产品"),
    column("current_stage", Text, "stage of the latest step / 当前环节"),
    column("promised_at", TIME, "promised delivery, as stated latest / 承诺交车时间"),
    column("delivered_at", TIME, "exit from the delivery stage / 实际交车时间"),
    column(
        "on_time",
        Boolean,
        "delivered_at <= promised_at; NULL while either is unknown / 是否按时交车",
    ),
    column("follow_up_due_at", TIME, "72 hours after delivery / 回访截止时间"),
    column(
        "followed_up_at",
        TIME,
        "earliest completed callback or follow-up exit after delivery / 回访时间",
    ),
    column("estimated_amount", _MONEY, "estimated amount, as stated latest / 估价"),
    column("final_amount", _MONEY, "final amount, as stated latest / 结算金额"),
    column("peak_score", _POINTS, "score farthest from 5, of equals the lower, 0-10 / 峰值"),
    column("end_score", _POINTS, "score of the last moment, 0-10 / 终值"),
    column("memory_score", _POINTS, "(peak + end) / 2: how the journey is remembered / 峰终记忆分"),
    column("mean_score", Double, "plain mean of the moments, 0-10 / 平均分"),
    column("last_moment_at", TIME, "when the last scored moment was / 最后评分时间"),
    PrimaryKeyConstraint("order_id"),
    Index("repair_order_customer_id", "customer_id", "order_id"),
    # What a customer's risk depends on, however many orders there are: the latest broken promise, the order that is remembered.
    Index(
        "repair_order_late", "customer_id", "delivered_at", postgresql_where=text("on_time = false")
    ),
    Index(
        "repair_order_remembered",
        "customer_id",
        "last_moment_at",
        "order_id",
        postgresql_where=text("last_moment_at IS NOT NULL"),
    ),
    # For what is watched every minute: orders in the workshop, and follow-ups that fell due.
    Index("repair_order_undelivered", "order_id", postgresql_where=text("delivered_at IS NULL")),
    Index(
        "repair_order_follow_up_due_at",
        "follow_up_due_at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
    ),
    comment="One row per repair order: its way through the workshop and how it was judged / 维修工单",
    postgresql_with={"fillfactor": "70"},
)

complaint = Table(
    "complaint",
    metadata,
    required("complaint_id", KEY, "complaint / 投诉编号"),
    required(
        "version",
        Integer,
        "counts the writes of this row; a writer that read an older one starts again",
    ),
    required(
        "fold_state", JSON, "what later events may still need of earlier ones; not for readers"
    ),
    required("customer_id", KEY, "customer, as stated latest / 客户编号"),
    required("site_id", KEY, "site, as stated latest / 门店"),
    column("order_id", KEY, "repair order, as stated latest / 维修工单"),
    column("category", Text, "experience complained about, as stated latest / 投诉类别"),
    required("severity", Text, "minor or major, as stated latest / 严重程度"),
    required("state", Text, "furthest action since the latest reopening / 状态"),
    column("opened_at", TIME, "earliest opening / 投诉时间"),
    column(
        "acknowledged_at", TIME, "earliest acknowledgement after the latest reopening / 受理时间"
    ),
    column("apologised_at", TIME, "earliest apology after the latest reopening / 道歉时间"),
    column("resolved_at", TIME, "earliest resolution after the latest reopening / 解决时间"),
    column(
        "informed_at", TIME, "when the customer was told, after the latest reopening / 告知时间"
    ),
    column("closed_at", TIME, "earliest closing after the latest reopening / 关闭时间"),
    column("withdrawn_at", TIME, "earliest withdrawal after the latest reopening / 撤回时间"),
    required("reopened", Integer, "how often it was reopened / 重开次数"),
    column(
        "minutes_to_resolve",
        Double,
        "from opened_at to resolved_at, in minutes: the customer's whole wait / 解决用时（分钟）",
    ),
    column("compensation", _MONEY, "compensation, as stated latest / 补偿金额"),
    column("handed_to", Text, "department it was handed to, as stated latest / 转交部门"),
    PrimaryKeyConstraint("complaint_id"),
    Index("complaint_customer_id", "customer_id"),
    # As of orders: the one that is open longest, by severity, and the one that was resolved last.
    Index("complaint_open", "customer_id", "severity", "opened_at", postgresql_where=text(IS_OPEN)),
    Index(
        "complaint_resolved",
        "customer_id",
        "resolved_at",
        "complaint_id",
        postgresql_where=text(IS_RESOLVED),
    ),
    Index("complaint_opened_at", "opened_at", postgresql_using="brin"),
    comment="One row per complaint / 投诉",
    postgresql_with={"fillfactor": "70"},
)

customer = Table(
    "customer",
    metadata,
    required("customer_id", KEY, "customer / 客户编号"),
    required(
        "version",
        Integer,
        "counts the writes of this row; a writer that read an older one starts again",
    ),
    required(
        "fold_state", JSON, "what later events may still need of earlier ones; not for readers"
    ),
    column("segment", KEY, "segment, as stated latest / 客户细分"),
    column("region", KEY, "region, as stated latest / 区域"),
    column("annual_value", _MONEY, "value a year, as stated latest / 年价值"),
    column(
        "lifecycle_stage",
        Text,
        "target, prospect, opportunity, contracted or user, as stated latest / 生命周期阶段",
    ),
    column("churned_at", TIME, "when the customer left, latest / 流失时间"),
    column("won_back_at", TIME, "when the customer was won back, latest / 挽回时间"),
    column("churn_reason", Text, "why the customer left, as stated latest / 流失原因"),
    required("first_seen_at", TIME, "earliest event / 首次出现"),
    required("last_seen_at", TIME, "latest event / 最近出现"),
    PrimaryKeyConstraint("customer_id"),
    comment="One row per customer of any event / 客户",
    postgresql_with={"fillfactor": "70"},
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
        "list of {driver, contribution}; the contributions add up to the log-hazard per month / 风险原因",
    ),
    column("value_at_risk", Double, "risk x annual_value / 风险价值"),
    required("model_version", Text, "version of the model in the catalogue / 模型版本"),
    required("as_of", TIME, "when it was assessed / 评估时间"),
    column(
        "next_change_at", TIME, "the passing of time alone will not change it before / 下次变化时间"
    ),
    PrimaryKeyConstraint("customer_id"),
    Index("churn_risk_next_change_at", "next_change_at"),
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
    # Of two alerts about the same at most one is open.
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

dead_letter = Table(
    "dead_letter",
    metadata,
    required("dead_letter_id", BigInteger, "number of the refusal", Identity(always=True)),
    required("topic_id", Text, "id of the log it was read from"),
    required("topic", KEY, "topic it was read from / 主题"),
    required("partition", Integer, "partition it was read from / 分区"),
    required("offset", BigInteger, "offset in that partition / 位移"),
    required("reason", Text, "short stable code / 原因代码"),
    required("detail", Text, "what is wrong and what to do, for people / 说明"),
    column(
        "payload",
        LargeBinary,
        "the refused message, whole; NULL where it has no value or did not fit / 原始消息",
    ),
    required("received_at", TIME, "when it was refused / 接收时间"),
    column("retried_at", TIME, "when it was sent again / 重发时间"),
    column("published_at", TIME, "when it went to the dead-letter topic"),
    PrimaryKeyConstraint("dead_letter_id"),
    UniqueConstraint("topic_id", "topic", "partition", "offset", name="dead_letter_source"),
    comment="One row per refused message / 死信",
)

stream_position = Table(
    "stream_position",
    metadata,
    required("topic", KEY, "input topic / 主题"),
    required("partition", Integer, "partition / 分区"),
    required("topic_id", Text, "Kafka's id of the topic: another id is another log"),
    required(
        "next_offset",
        BigInteger,
        "offset after the last message that the tables contain / 下一位移",
    ),
    column("event_time", TIME, "latest occurred_at taken in from here / 最新事件时间"),
    required("updated_at", TIME, "when it last moved / 更新时间", server_default=func.now()),
    required(
        "refused_run",
        BigInteger,
        "refused messages in a row before the position",
        server_default="0",
    ),
    required(
        "recent_messages",
        BigInteger,
        "messages of late, older ones counting half again and again",
        server_default="0",
    ),
    required("recent_refused", BigInteger, "of those the refused ones", server_default="0"),
    required(
        "refusals_allowed",
        BigInteger,
        "refusals that an operator lets through without counting them",
        server_default="0",
    ),
    PrimaryKeyConstraint("topic", "partition"),
    comment="How far each input partition is contained in the tables / 读取位置",
    postgresql_with={"fillfactor": "50"},
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
    PrimaryKeyConstraint("experience"),
    comment="The catalogue, mirrored for joins / 体验项目录",
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
