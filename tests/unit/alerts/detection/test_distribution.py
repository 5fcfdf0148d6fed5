from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.alerts.detection.distribution import (
    Distribution,
    distribution_of,
    tilted_by,
    tilted_to,
)

counts = st.dictionaries(st.integers(0, 10).map(float), st.floats(0.01, 100), min_size=2)


@given(counts, st.floats(0.02, 0.98))
def test_a_tilt_has_the_mean_that_was_asked_for(counted: dict[float, float], place: float) -> None:
    """Wherever between the least and the greatest score; and its shares add up to one."""
    distribution = distribution_of(counted)
    mean = distribution.values[0] + place * (distribution.values[-1] - distribution.values[0])
    tilt = tilted_to(distribution, mean)
    assert tilt.distribution.mean == pytest.approx(mean, abs=1e-6)
    assert sum(tilt.distribution.shares) == pytest.approx(1)


@given(counts, st.floats(-2, 2))
def test_the_ratio_of_shares_is_what_the_slope_says(
    counted: dict[float, float], slope: float
) -> None:
    """Each share is multiplied by exp(slope * value - log_moment)."""
    distribution = distribution_of(counted)
    tilt = tilted_by(distribution, slope)
    for value, before, after in zip(
        distribution.values, distribution.shares, tilt.distribution.shares, strict=True
    ):
        assert after == pytest.approx(before * math.exp(slope * value - tilt.log_moment))


@given(counts, st.floats(-1, 1))
def test_information_is_the_divergence_of_the_two_distributions(
    counted: dict[float, float], slope: float
) -> None:
    """As it is defined: the mean, after, of the logarithm of the ratio of shares.

    It is never negative.
    """
    distribution = distribution_of(counted)
    tilt = tilted_by(distribution, slope)
    defined = sum(
        after * math.log(after / before)
        for before, after in zip(distribution.shares, tilt.distribution.shares, strict=True)
        if after > 0
    )
    assert tilt.information == pytest.approx(defined, abs=1e-9)
    assert tilt.information >= -1e-9


def test_what_is_impossible_is_refused() -> None:
    """A mean outside the scores, and a distribution of nothing."""
    with pytest.raises(ValueError, match=r"from 0.0 to 10.0 has the mean 10.0"):
        tilted_to(Distribution((0.0, 10.0), (0.5, 0.5)), 10.0)
    with pytest.raises(ValueError, match="at least one score"):
        distribution_of({})
