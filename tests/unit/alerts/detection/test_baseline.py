from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.alerts.detection.baseline import (
    CAUTION,
    Past,
    baseline_of,
    shrink,
    variance_between,
)
from voc_stream.alerts.detection.distribution import distribution_of

SHAPE = distribution_of({5.0: 1, 8.0: 2, 9.0: 3, 10.0: 4})


def test_shops_that_do_not_differ_have_no_variance_between_them() -> None:
    """Means that differ by chance alone show a variance near zero, and never one below."""
    random = Random(3)
    past_weeks = [Past(100, 8 + random.gauss(0, 2 / 10)) for _ in range(300)]
    assert 0 <= variance_between(past_weeks, 4.0) < 0.01
    assert variance_between([Past(100, 8.0)] * 5, 4.0) == 0
    assert variance_between([Past(100, 8.0)], 4.0) == 0


def test_the_variance_between_shops_is_found_whatever_their_sizes() -> None:
    """True means that lie half a point apart are seen to, from many and from few answers."""
    random = Random(4)
    past_weeks = []
    for number in range(600):
        scores = 20 + 30 * (number % 10)
        past_weeks.append(
            Past(scores, 8 + random.gauss(0, 0.5) + random.gauss(0, 2 / math.sqrt(scores)))
        )
    assert variance_between(past_weeks, 4.0) == pytest.approx(0.25, rel=0.2)


@given(
    st.integers(1, 10_000),
    st.floats(0, 10),
    st.floats(0, 10),
    st.floats(0.1, 9),
    st.floats(0.001, 4),
)
def test_a_mean_is_drawn_towards_its_parents_and_not_beyond(
    scores: int, own: float, parent: float, within: float, between: float
) -> None:
    """The mean to expect lies between both, and its error is smaller than that of either alone."""
    mean, error = shrink(Past(scores, own), parent, within, between)
    assert min(own, parent) - 1e-9 <= mean <= max(own, parent) + 1e-9
    assert error <= min(math.sqrt(within / scores), math.sqrt(between)) + 1e-12


def test_a_baseline_is_cautious() -> None:
    """It lies a standard error below the mean that is expected.

    It keeps away from the ends of the scale.
    """
    mean, error = shrink(Past(50, 8.0), SHAPE.mean, SHAPE.variance, 0.09)
    assert baseline_of(SHAPE, Past(50, 8.0), 0.09).mean == pytest.approx(mean - CAUTION * error)
    assert baseline_of(SHAPE, Past(10_000, 10.0), 4.0).mean == pytest.approx(9.99, abs=0.02)
    assert baseline_of(SHAPE, Past(10_000, 5.0), 4.0).mean == pytest.approx(5.01, abs=0.02)
