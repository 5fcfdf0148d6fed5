"""Declares the table of orders: each order's way through the workshop, and how it was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Double, Index, Integer, Text, text

from voc_stream.domain.entities.order import OrderState
from voc_stream.postgres.schema.tables.columns import KEY, MONEY, POINTS, TIME, column, required
from voc_stream.postgres.schema.tables.row import Cells, EntityRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.postgres.session.copy_csv import Value


def _owner_and_stage(order: OrderState) -> Sequence[Value]:
    customer_id, site_id, product = order.customer_id, order.site_id, order.product
    return (
        None if customer_id is None else customer_id.value,
        None if site_id is None else site_id.value,
        None if product is None else product.value,
        order.current_stage,
        order.in_stage_since,
    )


def _promise(order: OrderState) -> Sequence[Value]:
    promised_at = order.promised_at
    if promised_at is None:
        return (None,) * 3
    return promised_at.value, order.first_promised_at, order.promise_moves


def _delivery(order: OrderState) -> Sequence[Value]:
    delivered_at = order.delivered_at
    if delivered_at is None:
        return (None,) * 5
    return (
        delivered_at,
        order.on_time,
        order.follow_up_due_at,
        order.followed_up_at,
        order.on_time_first,
    )


def _amounts(order: OrderState) -> Sequence[Value]:
    estimated, final = order.estimated_amount, order.final_amount
    return (
        None if estimated is None else estimated.value / 100,
        None if final is None else final.value / 100,
    )


def _memory(order: OrderState) -> Sequence[Value]:
    moments = order.moments
    last = moments.last
    if last is None:
        return (None,) * 6
    scores = (moments.peak, moments.end, moments.memory, moments.mean)
    return (*[None if each is None else each / 100 for each in scores], last.at, moments.count)


def _attempts(order: OrderState) -> Sequence[Value]:
    return order.follow_up_attempts or (None,) * 4


REPAIR_ORDER = EntityRow(
    "repair_order",
    OrderState,
    required("order_id", KEY, "repair order / 维修工单"),
    (
        Cells(
            (
                required("customer_id", KEY, "customer, as stated latest / 客户编号"),
                column("site_id", KEY, "shop, as stated latest / 门店"),
                column("product", KEY, "product, as stated latest / 产品"),
                column("current_stage", Text, "stage of the latest step / 当前环节"),
                column(
                    "in_stage_since",
                    TIME,
                    "entry into current_stage; NULL once it was left or while unknown"
                    " / 进入当前环节时间",
                ),
            ),
            _owner_and_stage,
        ),
        Cells(
            (
                column("promised_at", TIME, "promised delivery, as stated latest / 承诺交车时间"),
                column(
                    "first_promised_at",
                    TIME,
                    "promised delivery, as stated first / 首次承诺交车时间",
                ),
                column(
                    "promise_moves",
                    Integer,
                    "how many other moments were promised beside the first; NULL without a promise"
                    " / 改约次数",
                ),
            ),
            _promise,
        ),
        Cells(
            (
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
                column(
                    "on_time_first",
                    Boolean,
                    "delivered_at <= first_promised_at; NULL while either is unknown"
                    " / 是否按首次承诺交车",
                ),
            ),
            _delivery,
        ),
        Cells(
            (
                column("estimated_amount", MONEY, "estimated amount, as stated latest / 估价"),
                column("final_amount", MONEY, "final amount, as stated latest / 结算金额"),
            ),
            _amounts,
        ),
        Cells(
            (
                column(
                    "peak_score", POINTS, "score farthest from 5, of equals the lower, 0-10 / 峰值"
                ),
                column("end_score", POINTS, "score of the last moment, 0-10 / 终值"),
                column(
                    "memory_score",
                    POINTS,
                    "(peak + end) / 2: how the journey is remembered / 峰终记忆分",
                ),
                column("mean_score", Double, "plain mean of the moments, 0-10 / 平均分"),
                column("last_moment_at", TIME, "when the last scored moment was / 最后评分时间"),
                column("moments_n", Integer, "how many moments were scored / 评分次数"),
            ),
            _memory,
        ),
        Cells(
            (
                column(
                    "follow_up_attempts",
                    Integer,
                    "calls from the delivery until one was completed; NULL while it is not"
                    " delivered / 回访尝试次数",
                ),
                column("first_attempt_at", TIME, "the earliest of these calls / 首次回访尝试时间"),
                column("last_attempt_at", TIME, "the latest of these calls / 最近回访尝试时间"),
                column(
                    "last_attempt_outcome",
                    Text,
                    "how the latest of them ended: completed, no_answer or refused / 最近回访结果",
                ),
            ),
            _attempts,
        ),
    ),
    indexes=(
        Index("repair_order_customer_id", "customer_id", "order_id"),
        # A customer's risk depends on these, however many orders there are: the latest broken
        # promise, and the order that is remembered.
        Index(
            "repair_order_late",
            "customer_id",
            "delivered_at",
            postgresql_where=text("on_time = false"),
        ),
        Index(
            "repair_order_remembered",
            "customer_id",
            "last_moment_at",
            "order_id",
            postgresql_where=text("last_moment_at IS NOT NULL"),
        ),
        # These are watched every minute: orders in the workshop, and follow-ups that fell due.
        Index(
            "repair_order_undelivered", "order_id", postgresql_where=text("delivered_at IS NULL")
        ),
        Index(
            "repair_order_follow_up_due_at",
            "follow_up_due_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
        ),
    ),
    comment="One row per repair order: its way through the workshop and how it was judged"
    " / 维修工单",
)
