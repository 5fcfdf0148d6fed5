"""Intervals are those that were worked out elsewhere, and behave."""

from __future__ import annotations

from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import intervals as oracle

from voc_stream.domain.estimates.intervals import of_bounded_mean, of_mean, of_nps, of_share

EXACT = 5e-7
SCORES = st.lists(st.integers(0, 1000), min_size=1, max_size=60)
PHI = st.sampled_from([1.0, 1.21, 4.0, 30.0])


@pytest.mark.parametrize(
    ("scores", "low", "high"),
    [
        ([10] * 5, 5.989342, 10),
        ([10] * 20, 9.050799, 10),
        ([7, 10], 0, 10),
        ([10, 9, 8, 10, 3], 3.672796, 10),
        ([10] * 19 + [0], 8.084459, 10),
        ([8.5] * 100, 8.345056, 8.585637),
    ],
)
def test_means_of_scores_have_the_golden_intervals(
    scores: list[float], low: float, high: float
) -> None:
    """Computed independently, to six decimals; the oracle agrees."""
    hundredths = [round(100 * score) for score in scores]
    sums = (len(hundredths), sum(hundredths), sum(each * each for each in hundredths))
    assert of_bounded_mean(*sums) == pytest.approx((low, high), abs=EXACT)
    assert oracle.score_interval(*sums) == pytest.approx((low, high), abs=EXACT)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        (0, 5, 0, 0.434482),
        (5, 5, 0.565518, 1),
        (7, 10, 0.396778, 0.892209),
        (3, 10, 0.107791, 0.603222),
        (95, 100, 0.888250, 0.978456),
    ],
)
def test_shares_have_the_golden_intervals(count: int, n: int, low: float, high: float) -> None:
    """What rare answers allow changes none of them."""
    assert of_share(count, n) == pytest.approx((low, high), abs=EXACT)
    assert oracle.share_interval(count, n) == pytest.approx((low, high), abs=EXACT)


def test_the_nps_has_the_golden_interval() -> None:
    """Three promoters, two passives, one detractor: 2/9 +- z sqrt(91/162/9)."""
    half = 1.959963984540054 * sqrt(91 / 162 / 9)
    assert of_nps(3, 1, 6) == pytest.approx((2 / 9 - half, 2 / 9 + half))


@given(SCORES, PHI)
def test_scores_have_the_interval_of_the_oracle(scores: list[int], phi: float) -> None:
    """It holds their mean, lies on the scale, and scattered days only make it wider."""
    n, total, squares = len(scores), sum(scores), sum(score * score for score in scores)
    low, high = of_bounded_mean(n, total, squares, phi)
    assert (low, high) == pytest.approx(oracle.score_interval(n, total, squares, phi), abs=1e-6)
    assert 0 <= low <= total / n / 100 <= high <= 10
    narrow = of_bounded_mean(n, total, squares)
    assert low <= narrow.low <= narrow.high <= high


@given(st.integers(0, 300), st.integers(1, 300), PHI)
def test_shares_have_the_interval_of_the_oracle(count: int, n: int, phi: float) -> None:
    """It holds the share and grows with it."""
    count = min(count, n)
    low, high = of_share(count, n, phi)
    assert (low, high) == pytest.approx(oracle.share_interval(count, n, phi), abs=1e-9)
    assert 0 <= low <= count / n <= high <= 1
    if count < n:
        more = of_share(count + 1, n, phi)
        assert more.low >= low
        assert more.high >= high


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), PHI)
def test_an_nps_has_the_interval_of_the_oracle(
    promoters: int, passives: int, detractors: int, phi: float
) -> None:
    """It holds the NPS, from -1 to 1."""
    n = max(1, promoters + passives + detractors)
    low, high = of_nps(promoters, detractors, n, phi)
    assert (low, high) == pytest.approx(oracle.nps_interval(promoters, detractors, n, phi))
    assert -1 <= low <= (promoters - detractors) / n <= high <= 1


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60), PHI)
def test_minutes_have_students_interval(minutes: list[int], phi: float) -> None:
    """As the oracle has it; one value has none, and no end is cut."""
    n, total, squares = len(minutes), sum(minutes), sum(each * each for each in minutes)
    found = of_mean(n, total, squares, phi)
    expected = oracle.mean_interval(n, total, squares, phi)
    if n == 1:
        assert found is None
        assert expected is None
    else:
        assert found is not None
        assert found == pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_scattered_days_widen_an_interval_by_their_root() -> None:
    """Twice the half-width at phi 4, wherever no end of the scale cuts it."""
    scores = (400, 200_000, 110_000_000)
    for narrow, wide in (
        (of_bounded_mean(*scores), of_bounded_mean(*scores, phi=4)),
        (of_share(200, 400), of_share(200, 400, phi=4)),
        (of_nps(150, 120, 400), of_nps(150, 120, 400, phi=4)),
        (of_mean(*scores), of_mean(*scores, phi=4)),
    ):
        assert narrow is not None
        assert wide is not None
        assert isclose(wide.high - wide.low, 2 * (narrow.high - narrow.low))


@pytest.mark.parametrize("interval", [of_share, of_bounded_mean, of_nps, of_mean])
def test_no_answer_has_no_interval(interval: object) -> None:
    """No data is no number."""
    arguments = {of_share: (0, 0)}.get(interval, (0, 0, 0))  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="at least one"):
        interval(*arguments)  # type: ignore[operator]
