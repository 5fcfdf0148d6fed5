"""Folds what was promised of an order: latest, first, and how many different moments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.domain.moment import microseconds_of

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.domain.entities.stated import Stated

MOST_PROMISES = 100
"""How many different promised moments of an order are told apart, the earliest ones."""

Promises = tuple["Stated[datetime] | None", "Stated[datetime] | None", list[int]]
"""The latest statement, the first if it is another, and the different moments if several."""


def with_promise(known: Promises, promise: Stated[datetime]) -> Promises:
    """One more statement. Any order of calls ends in the same."""
    current, before, moments = known
    if current is None:
        return promise, None, []
    first = min(before or current, promise, key=_order_of)
    last = max(current, promise, key=_order_of)
    if moments or promise.value != current.value:
        values = moments or [microseconds_of(current.value)]
        moments = sorted({microseconds_of(promise.value), *values})[:MOST_PROMISES]
    return last, None if first is last else first, moments


def _order_of(stated: Stated[datetime]) -> tuple[datetime, str]:
    return stated.at, stated.event_id
