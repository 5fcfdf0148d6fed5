"""Declares the table of customers, with a row for each customer.

It has no column that would change with nearly every event: the view `customer` works those out.
What a query does not select, PostgreSQL does not work out.
"""

from __future__ import annotations

from sqlalchemy import Text

from voc_stream.domain.entities.customer import CustomerState
from voc_stream.postgres.schema.expressions.heard import last_heard
from voc_stream.postgres.schema.tables.columns import KEY, TIME
from voc_stream.postgres.schema.tables.row import EntityRow, plain, stated, stated_money

CUSTOMER = EntityRow(
    "customer_state",
    CustomerState,
    plain("customer_id", KEY, "customer / 客户编号", null=False),
    (
        stated("segment", KEY, "segment, as stated latest / 客户细分"),
        stated("region", KEY, "region, as stated latest / 区域"),
        stated_money("annual_value", "value a year, as stated latest / 年价值"),
        stated(
            "lifecycle_stage",
            Text,
            "target, prospect, opportunity, contracted or user, as stated latest / 生命周期阶段",
        ),
        plain("churned_at", TIME, "when the customer left, latest / 流失时间"),
        plain("won_back_at", TIME, "when the customer was won back, latest / 挽回时间"),
        stated("churn_reason", Text, "why the customer left, as stated latest / 流失原因"),
    ),
    comment="The stored part of customer; read that view instead",
)

_STORED = {each.name: each.comment or "" for each in CUSTOMER.table.columns}
_EVENTS = "FROM touchpoint_event e WHERE e.customer_id = customer_state.customer_id"
CUSTOMER_VIEW = f"""
CREATE VIEW customer AS
SELECT {", ".join(_STORED)},
       (SELECT min(e.occurred_at) {_EVENTS}) AS first_seen_at,
       (SELECT max(e.occurred_at) {_EVENTS}) AS last_seen_at,
       {last_heard("customer_state")} AS last_heard_at
FROM customer_state
"""
CUSTOMER_COMMENTS = (
    "One row per customer of any event / 客户",
    {
        **_STORED,
        "first_seen_at": "earliest event / 首次出现",
        "last_seen_at": "latest event / 最近出现",
        "last_heard_at": (
            "latest act of the customer, not ours; NULL for never / 客户最近一次主动往来"
        ),
    },
)
