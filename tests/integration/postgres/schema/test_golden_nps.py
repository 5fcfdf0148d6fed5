"""The golden NPS, from events to what BI reads."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import TYPE_CHECKING

import pytest
from builders import at, callback, messages
from integration.postgres.store import NOW, send

if TYPE_CHECKING:
    from integration.postgres.store import Store

ANSWERS = [9, 10, 10, 7, 8, 6]
Z = 1.959963984540054


@pytest.fixture
def asked(store: Store) -> Store:
    """A store with three promoters, two passives and one detractor."""
    calls = [
        callback(
            f"c-{number}", customer_id=f"u-{number}", recommend=answer, occurred_at=at(days=number)
        )
        for number, answer in enumerate(ANSWERS)
    ]
    send(store.sink(), messages(calls))
    store.chores().refresh(NOW)
    return store


def test_three_promoters_two_passives_and_one_detractor_give_a_third(asked: Store) -> None:
    """NPS 1/3 with the variance 5/9, and the adjusted Wald interval, at every scope."""
    rows = asked.ask(
        "SELECT n, experience_mean, stddev, top_box_share, bottom_box_share, ci_low, ci_high"
        " FROM voc_bi.rolling_satisfaction WHERE experience = 'recommendation' AND horizon = '30d'"
        " AND scope_type IN ('all', 'site') ORDER BY scope_type"
    )
    assert len(rows) == 2
    for n, score, stddev, promoters, detractors, low, high in rows:
        assert (n, score, promoters, detractors) == (6, 1 / 3, 1 / 2, 1 / 6)
        # That of the sample; of the answers themselves it is P + D - NPS^2.
        assert stddev**2 * (n - 1) / n == pytest.approx(5 / 9, rel=1e-12)
        assert promoters + detractors - score**2 == pytest.approx(5 / 9, rel=1e-12)
        # Three answers more, of which 3/4 are promoters and 3/4 detractors: 2/9, and 91/162.
        half = Z * sqrt(Fraction(91, 162) / 9)
        assert (low, high) == pytest.approx((2 / 9 - half, 2 / 9 + half), rel=1e-12)


def test_the_cube_keeps_the_answers_from_which_it_follows(asked: Store) -> None:
    """BI that sums days gets the same score and variance, as fractions of whole numbers."""
    ((n, promoters, detractors, total),) = asked.ask(
        "SELECT sum(n)::int, sum(histogram[10] + histogram[11])::int,"
        " sum((SELECT sum(one) FROM unnest(histogram[1:7]) one))::int, sum(score_sum)::int"
        " FROM voc_bi.experience_daily WHERE experience = 'recommendation'"
    )
    score = Fraction(promoters - detractors, n)
    assert (score, Fraction(promoters + detractors, n) - score**2) == (
        Fraction(1, 3),
        Fraction(5, 9),
    )
    assert total == 100 * sum(ANSWERS)
