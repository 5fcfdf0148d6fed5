"""Declares the table of customers, with a row for each customer.

It has no column that would change with nearly every event: the view `customer` works those out.
What a query does not select, PostgreSQL does not work out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text

from voc_stream.domain.entities.customer import CustomerState
from voc_stream.postgres.schema.expressions.heard import last_heard
from voc_stream.postgres.schema.tables.columns import KEY, MONEY, TIME, column, required
from voc_stream.postgres.schema.tables.row import Cells, EntityRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.postgres.session.copy_csv import Value


def _stated(customer: CustomerState) -> Sequence[Value]:
    segment, region, annual_value = customer.segment, customer.region, customer.annual_value
    stage, reason = customer.lifecycle_stage, customer.churn_reason
    return (
        None if segment is None else segment.value,
        None if region is None else region.value,
        None if annual_value is None else annual_value.value / 100,
        None if stage is None else stage.value,
        customer.churned_at,
        customer.won_back_at,
        None if reason is None else reason.value,
    )


CUSTOMER = EntityRow(
    "customer_state",
    CustomerState,
    required("customer_id", KEY, "customer / 客户编号"),
    (
        Cells(
            (
                column("segment", KEY, "segment, as stated latest / 客户细分"),
                column("region", KEY, "region, as stated latest / 区域"),
                column("annual_value", MONEY, "value a year, as stated latest / 年价值"),
                column(
                    "lifecycle_stage",
                    Text,
                    "target, prospect, opportunity, contracted or user, as stated latest"
                    " / 生命周期阶段",
                ),
                column("churned_at", TIME, "when the customer left, latest / 流失时间"),
                column("won_back_at", TIME, "when the customer was won back, latest / 挽回时间"),
                column("churn_reason", Text, "why the customer left, as stated latest / 流失原因"),
            ),
            _stated,
        ),
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
