"""Declares the table of orders: each order's way through the workshop, and how it was judged."""

from __future__ import annotations

from operator import attrgetter

from sqlalchemy import Boolean, Double, Index, Integer, Text, text

from voc_stream.domain.entities.order import OrderState
from voc_stream.postgres.schema.tables.columns import KEY, POINTS, TIME, column
from voc_stream.postgres.schema.tables.row import Cell, EntityRow, Part, plain, stated, stated_money

_DELIVERY = Part(
    lambda state: None if state.delivered_at is None else state,
    (
        plain("delivered_at", TIME, "exit from the delivery stage / 实际交车时间"),
        plain(
            "on_time",
            Boolean,
            "delivered_at <= promised_at; NULL while either is unknown / 是否按时交车",
        ),
        plain("follow_up_due_at", TIME, "72 hours after delivery / 回访截止时间"),
        plain(
            "followed_up_at",
            TIME,
            "earliest completed callback or follow-up exit after delivery / 回访时间",
        ),
        plain(
            "on_time_first",
            Boolean,
            "delivered_at <= first_promised_at; NULL while either is unknown / 是否按首次承诺交车",
        ),
    ),
)
_PROMISE = Part(
    lambda state: None if state.promised_at is None else state,
    (
        stated("promised_at", TIME, "promised delivery, as stated latest / 承诺交车时间"),
        plain("first_promised_at", TIME, "promised delivery, as stated first / 首次承诺交车时间"),
        plain(
            "promise_moves",
            Integer,
            "how many other moments were promised beside the first; NULL without a promise"
            " / 改约次数",
        ),
    ),
)
_MEMORY = Part(
    lambda state: None if state.moments.last is None else state.moments,
    (
        Cell(
            column("peak_score", POINTS, "score farthest from 5, of equals the lower, 0-10 / 峰值"),
            lambda moments: moments.peak / 100,
        ),
        Cell(
            column("end_score", POINTS, "score of the last moment, 0-10 / 终值"),
            lambda moments: moments.last.score / 100,
        ),
        Cell(
            column(
                "memory_score",
                POINTS,
                "(peak + end) / 2: how the journey is remembered / 峰终记忆分",
            ),
            lambda moments: moments.memory / 100,
        ),
        Cell(
            column("mean_score", Double, "plain mean of the moments, 0-10 / 平均分"),
            lambda moments: moments.mean / 100,
        ),
        Cell(
            column("last_moment_at", TIME, "when the last scored moment was / 最后评分时间"),
            "last.at",
        ),
        Cell(
            column("moments_n", Integer, "how many moments were scored / 评分次数"),
            "count",
        ),
    ),
)
_ATTEMPTS = Part(
    attrgetter("follow_up_attempts"),
    (
        Cell(
            column(
                "follow_up_attempts",
                Integer,
                "calls from the delivery until one was completed; NULL while it is not delivered"
                " / 回访尝试次数",
            ),
            "calls",
        ),
        Cell(
            column("first_attempt_at", TIME, "the earliest of these calls / 首次回访尝试时间"),
            "first_at",
        ),
        Cell(
            column("last_attempt_at", TIME, "the latest of these calls / 最近回访尝试时间"),
            "last_at",
        ),
        Cell(
            column(
                "last_attempt_outcome",
                Text,
                "how the latest of them ended: completed, no_answer or refused / 最近回访结果",
            ),
            "last_outcome",
        ),
    ),
)

REPAIR_ORDER = EntityRow(
    "repair_order",
    OrderState,
    plain("order_id", KEY, "repair order / 维修工单", null=False),
    (
        stated("customer_id", KEY, "customer, as stated latest / 客户编号", null=False),
        stated("site_id", KEY, "shop, as stated latest / 门店"),
        stated("product", KEY, "product, as stated latest / 产品"),
        plain("current_stage", Text, "stage of the latest step / 当前环节"),
        plain(
            "in_stage_since",
            TIME,
            "entry into current_stage; NULL once it was left or while unknown / 进入当前环节时间",
        ),
        _PROMISE,
        _DELIVERY,
        stated_money("estimated_amount", "estimated amount, as stated latest / 估价"),
        stated_money("final_amount", "final amount, as stated latest / 结算金额"),
        _MEMORY,
        _ATTEMPTS,
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
