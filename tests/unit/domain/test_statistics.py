from __future__ import annotations

from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.statistics import (
    NORMAL_975,
    benjamini_hochberg,
    poisson_tail,
    wilson_interval,
)

# The example of Benjamini and Hochberg 1995, section 3.2: fifteen p-values, of which the first four
# are rejected at 0.05.
PUBLISHED = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1.0,
]


def test_the_normal_point_is_that_of_the_standard_library() -> None:
    """97.5 % lie below it."""
    assert pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-12) == NORMAL_975


def test_the_tail_is_that_of_the_textbook() -> None:
    """P(X >= 3) for a mean of 1 is 1 - 5 / 2e, and large means do not overflow."""
    assert poisson_tail(3, 1.0) == pytest.approx(1 - 2.5 / 2.718281828459045)
    assert poisson_tail(1, 0.05) == pytest.approx(0.0487706)
    assert poisson_tail(2000, 2000.0) == pytest.approx(0.5, abs=0.01)
    assert (poisson_tail(0, 5.0), poisson_tail(0, 0.0), poisson_tail(1, 0.0)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("count", "samples", "low", "high"),
    [
        (0, 5, 0, 0.434482),
        (5, 5, 0.565518, 1),
        (7, 10, 0.396778, 0.892209),
        (3, 10, 0.107791, 0.603222),
        (95, 100, 0.888250, 0.978456),
    ],
)
def test_intervals_are_the_golden_ones(count: int, samples: int, low: float, high: float) -> None:
    """Computed independently, to six decimals."""
    assert wilson_interval(count, samples) == pytest.approx((low, high), abs=5e-7)


def test_no_sample_has_no_interval() -> None:
    """No data is no share."""
    with pytest.raises(ValueError, match="at least one"):
        wilson_interval(0, 0)


@given(st.integers(0, 500), st.integers(1, 500))
def test_intervals_hold_their_share_and_grow_with_it(count: int, samples: int) -> None:
    """Inside 0 to 1, around the share, and one more seen moves both ends up."""
    count = min(count, samples)
    low, high = wilson_interval(count, samples)
    assert 0 <= low <= count / samples <= high <= 1
    if count < samples:
        more = wilson_interval(count + 1, samples)
        assert more[0] >= low
        assert more[1] >= high


def test_the_published_example_of_false_discoveries_is_reproduced() -> None:
    """In whatever order the values come."""
    assert benjamini_hochberg(PUBLISHED, 0.05) == [True] * 4 + [False] * 11
    shuffled = Random(1).sample(range(15), 15)
    assert [
        benjamini_hochberg([PUBLISHED[place] for place in shuffled], 0.05)[shuffled.index(place)]
        for place in range(15)
    ] == [True] * 4 + [False] * 11
    assert benjamini_hochberg([], 0.05) == []
