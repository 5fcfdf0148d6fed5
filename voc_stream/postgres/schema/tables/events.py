"""Declares the tables of events and retractions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from voc_stream.postgres.schema.tables.columns import (
    KEY,
    TIME,
    column,
    metadata,
    required,
)

# Its index has this expression: what is looked up must be written the same.
COMPLAINT_ID = "normalize(body ->> 'complaint_id', NFC)"


touchpoint_event = Table(
    "touchpoint_event",
    metadata,
    required("event_id", KEY, "unique for ever; the same id again is the same event / 事件编号"),
    required("type", Text, "what kind of event: its `type` / 事件类型"),
    required("occurred_at", TIME, "when it happened / 发生时间"),
    required("ingested_at", TIME, "when it was written here / 入库时间", server_default=func.now()),
    required("customer_id", KEY, "whom it concerns / 客户编号"),
    column("site_id", KEY, "shop or call-centre site / 门店或呼叫中心"),
    column("department", KEY, "department / 部门"),
    column("employee_id", KEY, "employee / 员工编号"),
    column("product", KEY, "product / 产品"),
    column("channel", KEY, "channel / 渠道"),
    column("order_id", KEY, "repair order / 维修工单"),
    # Not `jsonb`, which is taken apart for each event.
    required("body", JSON, "the whole event as it came, with fields unknown here / 原始内容"),
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
    # Also when a customer was seen first and last.
    Index("touchpoint_event_customer_id", "customer_id", "occurred_at"),
    # A customer's history is moved in this order, piece by piece.
    Index(
        "touchpoint_event_scored",
        "customer_id",
        "event_id",
        postgresql_where=text("is_scored"),
    ),
    # A reopening, or a delivery that is told late, makes other steps count. They are looked up
    # here.
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
    # A retraction folds an order anew from its other events, which are found by this index. Those
    # of a complaint are found by the index of its steps.
    Index("touchpoint_event_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    comment="One row per accepted event that is not taken back: the facts from which every other"
    " table can be recomputed / 事件明细",
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
    comment="One row per event id that was taken back; kept for ever,"
    " so that no repetition brings the event back / 已撤回事件",
)
