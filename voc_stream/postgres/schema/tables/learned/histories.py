"""Declares the tables of what became of customers, from which the churn model learns."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from voc_stream.postgres.schema.tables.columns import (
    ADDED_IN_PLACE,
    KEY,
    QUEUE,
    TIME,
    column,
    metadata,
    required,
)

walk_pending = Table(
    "walk_pending",
    metadata,
    required("customer_ids", ARRAY(KEY), "customers of one batch of whom an event came or went"),
    comment="Customers whose history is to be walked through again; emptied by the chore"
    " walk_customers",
    postgresql_with=QUEUE,
)


churn_walk = Table(
    "churn_walk",
    metadata,
    required("customer_id", KEY, "customer"),
    column("next_at", TIME, "when the history goes on because time passes; NULL for never"),
    required("is_walked", Boolean, "false: not walked through, or too many events for a person"),
    PrimaryKeyConstraint("customer_id"),
    Index("churn_walk_next_at", "next_at", "customer_id"),
    comment="One row per customer: until when churn_history is known",
)


churn_history = Table(
    "churn_history",
    metadata,
    required("customer_id", KEY, "customer / 客户编号"),
    required("since", TIME, "from when on this held / 起始时间"),
    column("until", TIME, "until when; NULL while it holds / 截止时间"),
    column("event_id", KEY, "the event that changed it; NULL if time did / 触发事件"),
    required("has_left", Boolean, "whether it ended because the customer left / 是否因流失结束"),
    required("risk", Double, "probability of leaving within the model's horizon, 0-1 / 流失风险"),
    required("band", Text, "low, medium, high or critical / 风险等级"),
    required("drivers", JSONB, "list of {driver, contribution}, as in churn_risk / 风险原因"),
    required("model_version", Text, "version of the model that says so / 模型版本"),
    required("tenure_band", SmallInteger, "how long they had been a customer, from 0 / 客龄段"),
    required("signals", BigInteger, "a bit for each signal that was there / 信号位"),
    PrimaryKeyConstraint("customer_id", "since"),
    comment="How each customer's risk of leaving came about: a row for each change of band,"
    " drivers, signals or tenure / 流失风险历史",
)


churn_cell = Table(
    "churn_cell",
    metadata,
    required("month", Date, "first day of the month, in UTC"),
    required("tenure_band", SmallInteger, "how long they had been customers, from 0"),
    required("signals", BigInteger, "a bit for each signal that was there"),
    required("microseconds", Numeric, "for how long, all together; what still goes on is not in"),
    required("leavers", BigInteger, "how many left"),
    PrimaryKeyConstraint("month", "tenure_band", "signals"),
    comment="What customers of one tenure and one set of signals did, by month",
    postgresql_with=ADDED_IN_PLACE,
)
