from __future__ import annotations

from datetime import timedelta

import pytest
from builders import START, at, callback
from unit.domain.churn.signals.known import told, weights


@pytest.mark.parametrize(
    ("field", "low", "high", "signal"),
    [("recommend", 6, 7, "nps_detractor"), ("effort", 5.99, 6, "high_effort")],
)
def test_the_latest_answer_counts(field: str, low: float, high: float, signal: str) -> None:
    """Up to 6 of 10 nobody recommends; effort is low as scores are. A call without it is none."""
    silent = callback("c-3", answers=[])
    bad = callback("c-2", answers=[], occurred_at=at(days=-30), **{field: low})
    good = callback("c-1", answers=[], occurred_at=at(days=-60), **{field: high})
    assert weights(told(silent, bad, good)) == {signal: 5 / 6}
    assert weights(told(silent, good, bad)) == {}
    assert weights(told(bad), START + timedelta(days=150)) == {}
