"""Declares the table of complaints, with a row for each complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Double, Index, Integer, Text, text

from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.postgres.schema.tables.columns import KEY, TIME, column
from voc_stream.postgres.schema.tables.row import Cell, EntityRow, plain, stated, stated_money

if TYPE_CHECKING:
    from datetime import datetime

# The indexes below have these conditions: what is looked up must be written the same.
IS_OPEN = "state IN ('opened', 'acknowledged', 'apologised', 'reopened')"
IS_RESOLVED = "state IN ('resolved', 'informed', 'closed') AND resolved_at IS NOT NULL"


def _time(action: str, comment: str) -> Cell:
    def value(state: ComplaintState) -> datetime | None:
        return state.time_of(action)

    return Cell(column(f"{action}_at", TIME, comment), value)


def _minutes_to_resolve(state: ComplaintState) -> float | None:
    took = state.time_to_resolve
    return None if took is None else took.total_seconds() / 60


def _opening_minutes_to_resolve(state: ComplaintState) -> float | None:
    opened = state.opened_to_resolve
    return None if opened is None else opened / 60_000_000


COMPLAINT = EntityRow(
    "complaint",
    ComplaintState,
    plain("complaint_id", KEY, "complaint / 投诉编号", null=False),
    (
        stated("customer_id", KEY, "customer, as stated latest / 客户编号", null=False),
        stated("site_id", KEY, "site, as stated latest / 门店", null=False),
        stated("product", KEY, "product, as stated latest / 产品"),
        stated("order_id", KEY, "repair order, as stated latest / 维修工单"),
        stated("category", Text, "experience complained about, as stated latest / 投诉类别"),
        stated("severity", Text, "minor or major, as stated latest / 严重程度", null=False),
        plain("state", Text, "furthest action since the latest reopening / 状态", null=False),
        plain("opened_at", TIME, "earliest opening / 投诉时间"),
        _time("acknowledged", "earliest acknowledgement after the latest reopening / 受理时间"),
        _time("apologised", "earliest apology after the latest reopening / 道歉时间"),
        _time("resolved", "earliest resolution after the latest reopening / 解决时间"),
        _time("informed", "when the customer was told, after the latest reopening / 告知时间"),
        _time("closed", "earliest closing after the latest reopening / 关闭时间"),
        _time("withdrawn", "earliest withdrawal after the latest reopening / 撤回时间"),
        plain("reopened", Integer, "how often it was reopened / 重开次数", null=False),
        plain("reopened_at", TIME, "latest reopening / 最近重开时间"),
        Cell(
            column(
                "minutes_to_resolve",
                Double,
                "from opened_at to resolved_at, in minutes: the customer's whole wait"
                " / 解决用时（分钟）",
            ),
            _minutes_to_resolve,
        ),
        Cell(
            column(
                "opening_minutes_to_resolve",
                Double,
                "those of minutes_to_resolve in which the site was open; NULL if its opening hours"
                " are unknown / 营业时间内解决用时（分钟）",
            ),
            _opening_minutes_to_resolve,
        ),
        stated_money("compensation", "compensation, as stated latest / 补偿金额"),
        stated("handed_to", Text, "department it was handed to, as stated latest / 转交部门"),
    ),
    indexes=(
        Index("complaint_customer_id", "customer_id", "complaint_id"),
        # As for orders: the complaint that is open longest, by severity, and the one that was
        # resolved last.
        Index(
            "complaint_open", "customer_id", "severity", "opened_at", postgresql_where=text(IS_OPEN)
        ),
        Index(
            "complaint_resolved",
            "customer_id",
            "resolved_at",
            "complaint_id",
            postgresql_where=text(IS_RESOLVED),
        ),
        Index("complaint_opened_at", "opened_at", postgresql_using="brin"),
    ),
    comment="One row per complaint / 投诉",
)
