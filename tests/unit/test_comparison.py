"""The comparison sees every kind of difference.

So a passing end-to-end test means something.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from comparison import assert_tables_equal

ROW = {
    "n": 2,
    "experience_mean": 8.5,
    "peak_score": Decimal("9.5"),
    "stddev": None,
    "drivers": {"base": -4.8},
    "histogram": [1, 2],
}
INTERVAL = {"ci_low": 7.0, "ci_high": 9.0}


def compare(expected: dict[str, Any], actual: dict[str, Any]) -> None:
    assert_tables_equal({"table": {("key",): expected}}, {"table": {("key",): actual}})


@pytest.mark.parametrize(
    "changed",
    [
        {"n": 3},
        {"experience_mean": 8.5001},
        {"experience_mean": None},
        {"peak_score": Decimal("9.51")},
        {"stddev": 0.0},
        {"drivers": {"base": -4.9}},
        {"drivers": {"base": -4.8, "broken_promise": 0.4}},
        {"histogram": [2, 1]},
    ],
)
def test_another_value_is_a_difference(changed: dict[str, Any]) -> None:
    """One changed cell fails, and the message names it."""
    with pytest.raises(AssertionError, match=next(iter(changed))):
        compare(ROW, {**ROW, **changed})


def test_missing_and_surplus_rows_and_columns_are_differences() -> None:
    """Keys and columns are compared, not only values."""
    for expected, actual in (
        ({}, {("key",): ROW}),
        ({("key",): ROW}, {}),
        ({("key",): ROW}, {("key",): {"n": 2}}),
    ):
        with pytest.raises(AssertionError, match=r"missing|surplus|no such column"):
            assert_tables_equal({"table": expected}, {"table": actual})


def test_what_only_rounding_changes_is_equal() -> None:
    """Floats are equal to nine digits, decimals by value, and a table may have further columns."""
    compare(
        ROW,
        {
            **ROW,
            "experience_mean": 8.5 + 1e-12,
            "peak_score": Decimal("9.5000"),
            "ingested_at": "now",
        },
    )


def test_an_interval_may_be_off_by_a_little_of_its_width() -> None:
    """The quantile of the view has seven digits; a wrong one still shows."""
    compare(INTERVAL, {"ci_low": 7.000_004, "ci_high": 8.999_996})
    with pytest.raises(AssertionError, match="ci_low"):
        compare(INTERVAL, {"ci_low": 7.001, "ci_high": 9.0})


def test_a_risk_says_since_when_it_says_so() -> None:
    """It may have said the same before the moment as of which it is compared, never later."""
    now = datetime(2026, 1, 5, tzinfo=UTC)
    expected = {"churn_risk": {("c",): {"as_of": now}}}
    for earlier in (timedelta(0), timedelta(days=1)):
        assert_tables_equal(expected, {"churn_risk": {("c",): {"as_of": now - earlier}}})
    with pytest.raises(AssertionError, match="as_of"):
        assert_tables_equal(
            expected, {"churn_risk": {("c",): {"as_of": now + timedelta(seconds=1)}}}
        )
