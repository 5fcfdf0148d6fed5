"""Declares the signals of promises that were not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading, FadingFrom
from voc_stream.domain.churn.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voc_stream.domain.churn.courses import Course, Terms
    from voc_stream.domain.churn.facts import CustomerFacts


def _broken_promise(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    if not facts.orders:
        return ()
    late = [one.delivered_at for one in facts.orders if one.on_time is False and one.delivered_at]
    return (Fading(max(late), terms.window),) if late else ()


def _missed_follow_up(facts: CustomerFacts, terms: Terms) -> Sequence[Course]:
    due = [
        (one.follow_up_due_at, one.order_id, one.followed_up_at)
        for one in facts.orders
        if one.follow_up_due_at is not None
    ]
    if not due:
        return ()
    due_at, _, followed_up_at = max(due, key=lambda order: order[:2])
    return (FadingFrom(due_at, terms.window),) if followed_up_at is None else ()


PROMISES = (
    Signal(
        "broken_promise",
        6,
        "a broken promise",
        "未按承诺时间交付",
        "an order with `on_time` = false and a recent `delivered_at`",
        _broken_promise,
    ),
    Signal(
        "missed_follow_up",
        26,
        "nobody called after the visit",
        "服务后未按时回访",
        "of the orders that the customer's latest events name, the one with the greatest"
        " `(follow_up_due_at, order_id)` has no `followed_up_at`, and the former has passed,"
        " recently",
        _missed_follow_up,
        reads="events",
    ),
)
"""What was promised and not done."""
