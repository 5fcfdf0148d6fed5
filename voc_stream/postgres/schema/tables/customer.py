"""Declares the table of customers, with a row for each customer."""

from __future__ import annotations

from sqlalchemy import Text

from voc_stream.domain.entities.customer import CustomerState
from voc_stream.postgres.schema.tables.columns import KEY, TIME
from voc_stream.postgres.schema.tables.row import EntityRow, plain, stated, stated_money

CUSTOMER = EntityRow(
    "customer",
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
        plain("first_seen_at", TIME, "earliest event / 首次出现", null=False),
        plain("last_seen_at", TIME, "latest event / 最近出现", null=False),
    ),
    comment="One row per customer of any event / 客户",
)
