"""How many were unhappy, beside how many complained: measured, by site and period."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from builders import callback, complaint, messages
from comparison import assert_tables_equal, read_tables
from integration.postgres.crowd import crowd
from integration.postgres.store import CATALOGUE, NOW, send
from oracle import expected_tables

if TYPE_CHECKING:
    from integration.postgres.store import Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_unhappy_stand_beside_the_complaints(store: Store) -> None:
    """Of twenty customers five are unhappy, and one of them complains: that is 5, not 25.

    The interval is that of the share, times the answers; complaints count by when they were opened,
    and by what they are about.
    """
    store.take_in(
        *[
            callback(
                f"c-{number}",
                customer_id=f"u-{number}",
                answers=[{"item": "overall", "score": 3 if number < 5 else 9}],
                occurred_at=(NOW - HOUR - DAY).isoformat(),
            )
            for number in range(20)
        ],
        complaint(occurred_at=(NOW - 2 * HOUR).isoformat(), category="overall"),
        complaint("k-2", complaint_id="q-2", occurred_at=(NOW - 8 * DAY).isoformat()),
    )
    store.chores().refresh(NOW)
    columns = (
        "n, unhappy, unhappy_low, unhappy_high, complaints, complaints_about_it,"
        " unhappy_per_complaint"
    )
    for scope in ("", "s-1"):
        found = store.ask(
            f"SELECT horizon, {columns} FROM complaint_iceberg"
            " WHERE scope = %s AND experience = 'overall'",
            scope,
        )
        rows = {horizon: rest for horizon, *rest in found}
        # Wilson's interval of 5 of 20 is .1119 to .4687.
        interval = [pytest.approx(2.238, abs=0.001), pytest.approx(9.374, abs=0.001)]
        assert rows == {
            "7d": [20, 5, *interval, 1, 1, 5],
            "30d": [20, 5, *interval, 2, 1, 2.5],
            "90d": [20, 5, *interval, 2, 1, 2.5],
        }


def test_the_iceberg_is_the_oracles(store: Store) -> None:
    """Of contradictory events, of many sites, with and without complaints."""
    values = messages(crowd(200))
    send(store.sink(), values)
    store.chores().refresh(NOW)
    expected = {
        "complaint_iceberg": expected_tables(values, CATALOGUE, NOW, NOW)["complaint_iceberg"]
    }
    assert len(expected["complaint_iceberg"]) > 20
    assert_tables_equal(expected, read_tables(store.url, expected))
