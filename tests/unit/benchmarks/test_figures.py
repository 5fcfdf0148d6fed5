from __future__ import annotations

import pytest
from benchmarks.figures import per_hour, percentile
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1.0))
def test_so_many_values_lie_at_or_below_a_percentile(values: list[float], share: float) -> None:
    """A percentile is one of the values, and at least that share of them does not exceed it."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


def test_the_highest_percentile_is_the_longest() -> None:
    """The share 1 hides nothing."""
    assert percentile([3.0, 9.0, 1.0], 1.0) == 9.0


def test_nothing_has_no_percentile() -> None:
    """No data is not zero."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_slope_is_told_for_an_hour() -> None:
    """One mebibyte more every ten seconds is 360 an hour, whatever noise lies evenly around it."""
    seconds = [10.0 * number for number in range(60)]
    assert per_hour(
        seconds, [100 + second / 10 + (-1) ** number for number, second in enumerate(seconds)]
    ) == pytest.approx(360, rel=0.01)
