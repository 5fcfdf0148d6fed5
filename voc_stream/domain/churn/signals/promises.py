"""Declares the signals of promises that were not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.churn.courses import Fading
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


PROMISES = (
    Signal(
        "broken_promise",
        6,
        "a broken promise",
        "未按承诺时间交付",
        "an order with `on_time` = false and a recent `delivered_at`",
        _broken_promise,
    ),
)
"""What was promised and not done."""
