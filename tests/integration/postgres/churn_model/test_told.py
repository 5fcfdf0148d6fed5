from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from integration.postgres.churn_model.fitted import put_model
from integration.postgres.churn_model.lives import MAJOR, NOW, Interval, lives, put_lives

from voc_stream.postgres.churn_model.told import count_told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from integration.postgres.store import Store

STATED = 0.3


def counted(store: Store, now: datetime = NOW) -> None:
    with store.chores().transaction() as cursor:
        count_told(cursor, store.catalogue, now)


def naive(
    intervals: Sequence[Interval], landmark: datetime, days: int, signals: int | None
) -> tuple[int, int]:
    """Who was there at a moment, and who of them left within the days after."""
    end = landmark + timedelta(days=days)
    there = {
        one.customer_id
        for one in intervals
        if one.since <= landmark
        and (one.until is None or one.until > landmark)
        and (signals is None or one.signals & signals)
    }
    gone = {
        one.customer_id
        for one in intervals
        if one.left and one.until is not None and landmark < one.until <= end
    }
    return len(there), len(there & gone)


def test_told_is_what_histories_say(store: Store) -> None:
    """At each month whose horizon is over: who was there, what was said, and who left in time."""
    intervals = lives(400, 0.02, 4.0)
    put_lives(store, intervals, risk=STATED, version="tarp-2")
    for _ in range(2):  # counting again changes nothing
        counted(store)
    for group, signals in (("", None), ("open_complaint_major", MAJOR)):
        rows = store.ask(
            "SELECT landmark, horizon_days, customers, leavers, risk_sum FROM churn_told"
            " WHERE group_name = %s ORDER BY landmark, horizon_days",
            group,
        )
        assert len(rows) > 20
        for landmark, days, customers, leavers, risk_sum in rows:
            assert (customers, leavers) == naive(intervals, landmark, days, signals)
            stated = 1 - (1 - STATED) ** (days / 365)
            assert risk_sum == pytest.approx(customers * stated, rel=1e-9)
    latest = store.ask("SELECT horizon_days, max(landmark) FROM churn_told GROUP BY 1 ORDER BY 1")
    assert latest == [
        (90, datetime(2025, 10, 1, tzinfo=UTC)),
        (365, datetime(2025, 1, 1, tzinfo=UTC)),
    ]


def test_a_model_is_not_judged_by_what_it_has_learned_from(store: Store) -> None:
    """Histories are told anew by an active model, also those that it was fitted to."""
    put_model(store)
    until = datetime(2025, 7, 1, tzinfo=UTC)
    store.ask("UPDATE churn_model SET fitted_until = %s", until)
    put_lives(store, lives(100, 0.02, 1.0), risk=STATED, version="fitted-2026-01-01")
    counted(store)
    assert store.one("SELECT min(landmark) FROM churn_told") == until
