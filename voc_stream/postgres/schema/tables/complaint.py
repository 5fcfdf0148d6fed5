"""Declares the table of complaints, with a row for each complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Double, Index, Integer, Text, text

from voc_stream.domain.entities.complaint import ComplaintState
from voc_stream.postgres.schema.tables.columns import KEY, MONEY, TIME, column, required
from voc_stream.postgres.schema.tables.row import Cells, EntityRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.postgres.session.copy_csv import Value

# The indexes below have these conditions: what is looked up must be written the same.
IS_OPEN = "state IN ('opened', 'acknowledged', 'apologised', 'reopened')"
IS_RESOLVED = "state IN ('resolved', 'informed', 'closed') AND resolved_at IS NOT NULL"
_TIMED = ("acknowledged", "apologised", "resolved", "informed", "closed", "withdrawn")


def _stated(complaint: ComplaintState) -> Sequence[Value]:
    stated = (
        complaint.customer_id,
        complaint.site_id,
        complaint.product,
        complaint.order_id,
        complaint.category,
        complaint.severity,
    )
    return [None if each is None else each.value for each in stated]


def _state_and_times(complaint: ComplaintState) -> Sequence[Value]:
    times = complaint.times
    return (
        complaint.state,
        complaint.opened_at,
        *[None if (since := times.get(action)) is None else since.first for action in _TIMED],
        complaint.reopened,
        complaint.reopened_at,
    )


def _wait_and_rest(complaint: ComplaintState) -> Sequence[Value]:
    took, opened = complaint.time_to_resolve, complaint.opened_to_resolve
    compensation, handed_to = complaint.compensation, complaint.handed_to
    return (
        None if took is None else took.total_seconds() / 60,
        None if opened is None else opened / 60_000_000,
        None if compensation is None else compensation.value / 100,
        None if handed_to is None else handed_to.value,
    )


COMPLAINT = EntityRow(
    "complaint",
    ComplaintState,
    required("complaint_id", KEY, "complaint / 投诉编号"),
    (
        Cells(
            (
                required("customer_id", KEY, "customer, as stated latest / 客户编号"),
                required("site_id", KEY, "site, as stated latest / 门店"),
                column("product", KEY, "product, as stated latest / 产品"),
                column("order_id", KEY, "repair order, as stated latest / 维修工单"),
                column(
                    "category", Text, "experience complained about, as stated latest / 投诉类别"
                ),
                required("severity", Text, "minor or major, as stated latest / 严重程度"),
            ),
            _stated,
        ),
        Cells(
            (
                required("state", Text, "furthest action since the latest reopening / 状态"),
                column("opened_at", TIME, "earliest opening / 投诉时间"),
                column(
                    "acknowledged_at",
                    TIME,
                    "earliest acknowledgement after the latest reopening / 受理时间",
                ),
                column(
                    "apologised_at", TIME, "earliest apology after the latest reopening / 道歉时间"
                ),
                column(
                    "resolved_at",
                    TIME,
                    "earliest resolution after the latest reopening / 解决时间",
                ),
                column(
                    "informed_at",
                    TIME,
                    "when the customer was told, after the latest reopening / 告知时间",
                ),
                column("closed_at", TIME, "earliest closing after the latest reopening / 关闭时间"),
                column(
                    "withdrawn_at",
                    TIME,
                    "earliest withdrawal after the latest reopening / 撤回时间",
                ),
                required("reopened", Integer, "how often it was reopened / 重开次数"),
                column("reopened_at", TIME, "latest reopening / 最近重开时间"),
            ),
            _state_and_times,
        ),
        Cells(
            (
                column(
                    "minutes_to_resolve",
                    Double,
                    "from opened_at to resolved_at, in minutes: the customer's whole wait"
                    " / 解决用时（分钟）",
                ),
                column(
                    "opening_minutes_to_resolve",
                    Double,
                    "those of minutes_to_resolve in which the site was open; NULL if its opening"
                    " hours are unknown / 营业时间内解决用时（分钟）",
                ),
                column("compensation", MONEY, "compensation, as stated latest / 补偿金额"),
                column(
                    "handed_to", Text, "department it was handed to, as stated latest / 转交部门"
                ),
            ),
            _wait_and_rest,
        ),
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
