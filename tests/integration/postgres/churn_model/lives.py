"""Customers whose lives are known, in the tables of the walk.

Who leaves counts until the last moment here: what is known of them is known exactly.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import log
from typing import TYPE_CHECKING, NamedTuple

from psycopg2.extras import execute_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from integration.postgres.store import Store

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
LONG = timedelta(days=726)
"""How long before now the first customer came."""
MONTH = timedelta(days=365.25 / 12)
MAJOR = 1
"""The set of signals in which a major complaint is open."""


class Interval(NamedTuple):
    """Some time of a customer with one set of signals; `until` is None while it goes on."""

    customer_id: str
    since: datetime
    until: datetime | None
    signals: int
    left: bool


def lives(customers: int, hazard: float, multiplier: float, now: datetime = NOW) -> list[Interval]:
    """Customers of whom each second one has an open complaint from a day of their own on."""
    dice = random.Random(1)
    found = []
    for number in range(customers):
        name = f"c-{number:06}"
        since = now - LONG + timedelta(days=dice.uniform(0, 300))
        switch = since + timedelta(days=dice.uniform(1, 300)) if number % 2 else now
        calm = since + MONTH * (-log(1 - dice.random()) / hazard)
        if calm < min(switch, now):
            found.append(Interval(name, since, calm, 0, left=True))
        elif switch >= now:
            found.append(Interval(name, since, None, 0, left=False))
        else:
            found.append(Interval(name, since, switch, 0, left=False))
            gone = switch + MONTH * (-log(1 - dice.random()) / (hazard * multiplier))
            ends = gone if gone < now else None
            found.append(Interval(name, switch, ends, MAJOR, left=ends is not None))
    return found


def put_lives(store: Store, intervals: Sequence[Interval], *, risk: float, version: str) -> None:
    """Write them, all with the same stated risk, and the sums of those that are over."""
    cells: dict[tuple[datetime, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in intervals:
        for month, time, is_last in _by_months(one):
            cell = cells[month, one.signals]
            cell[0] += time // timedelta(microseconds=1)
            cell[1] += one.left and is_last
    with store.chores().transaction() as cursor:
        execute_values(
            cursor,
            "INSERT INTO churn_history (customer_id, since, until, risk, band, drivers,"
            " model_version, tenure_band, signals, has_left) VALUES %s",
            [(*one[:3], risk, "low", "[]", version, 0, one.signals, one.left) for one in intervals],
        )
        execute_values(
            cursor,
            "INSERT INTO churn_cell (month, tenure_band, signals, microseconds, leavers) VALUES %s",
            [(month.date(), 0, signals, *sums) for (month, signals), sums in cells.items()],
        )


def _by_months(one: Interval) -> Iterator[tuple[datetime, timedelta, bool]]:
    """What of an interval that is over falls into each month, and whether it is the last."""
    if one.until is None:
        return
    since = one.since
    while True:
        month = since.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (month + timedelta(days=32)).replace(day=1)
        yield month, min(one.until, following) - since, one.until <= following
        if one.until <= following:
            return
        since = following
