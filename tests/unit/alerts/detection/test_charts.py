from __future__ import annotations

import math
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_data import needs_survey, survey
from run_length import (
    mean_run_length,
    mean_run_length_of_both_sides,
    mean_run_length_of_ewma,
    sample_size_of_a_share,
    share_of_alarms,
)

from voc_stream.alerts.detection.charts import (
    PART,
    SHIFTS,
    Chart,
    Scores,
    Sum,
    advance,
    charts_for,
    scores_between_false_alarms,
    scores_of,
)
from voc_stream.alerts.detection.distribution import Distribution, distribution_of, tilted_to

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
# Scores as customers give them: a quarter of them the best one.
CEILING = distribution_of(
    {0.0: 1, 2.0: 1, 3.0: 1, 4.0: 1, 5.0: 3, 6.0: 4, 7.0: 10, 8.0: 20, 9.0: 22, 10.0: 37}
)
# Mean run lengths of one-sided CUSUMs with k = 0.5, as R's spc package computes them: by threshold,
# and by shift in standard deviations.
GOLDEN = {
    4.0: {
        0.0: 335.37,
        0.25: 77.08,
        0.5: 26.68,
        0.75: 13.29,
        1.0: 8.383,
        1.5: 4.747,
        2.0: 3.343,
        2.5: 2.620,
        3.0: 2.194,
    },
    5.0: {
        0.0: 930.89,
        0.25: 141.69,
        0.5: 38.01,
        0.75: 17.05,
        1.0: 10.376,
        1.5: 5.747,
        2.0: 4.009,
        2.5: 3.114,
        3.0: 2.573,
    },
}
# The same of two-sided ones, where they differ.
GOLDEN_OF_BOTH_SIDES = {
    4.0: {0.0: 167.68, 0.25: 74.22, 0.5: 26.63},
    5.0: {0.0: 465.44, 0.25: 139.49, 0.5: 38.00},
}
# Of two-sided EWMAs at asymptotic limits: by weight and limit, and by shift.
GOLDEN_OF_EWMA = {
    (0.40, 3.054): {0.25: 223.7, 0.5: 71.2, 1.0: 14.26, 1.5: 5.87, 2.0: 3.52},
    (0.25, 2.998): {0.25: 170.3, 0.5: 48.3, 1.0: 11.14, 1.5: 5.46, 2.0: 3.61},
    (0.20, 2.962): {0.25: 150.2, 0.5: 41.8, 1.0: 10.54, 1.5: 5.50, 2.0: 3.74},
    (0.10, 2.814): {0.25: 106.3, 0.5: 31.3, 1.0: 10.33, 1.5: 6.08, 2.0: 4.36},
    (0.05, 2.615): {0.25: 84.0, 0.5: 28.8, 1.0: 11.38, 1.5: 7.11, 2.0: 5.22},
}


def is_above(charts: list[Chart], sums: list[Sum]) -> bool:
    """Whether any chart is above its threshold."""
    return any(state.value > chart.threshold for chart, state in zip(charts, sums, strict=True))


def a_normal_distribution() -> Distribution:
    """Of mean 0 and standard deviation 1, in steps of a fiftieth."""
    values = [number / 50 for number in range(-350, 351)]
    return distribution_of({value: math.exp(-value * value / 2) for value in values})


@pytest.mark.parametrize("threshold", GOLDEN)
def test_the_known_run_lengths_are_reproduced(threshold: float) -> None:
    """The published run lengths of normal scores, to the digits that are published."""
    for shift, expected in GOLDEN[threshold].items():
        assert mean_run_length(shift, 0.5, threshold) == pytest.approx(
            expected, rel=2e-4, abs=0.005
        ), shift


@pytest.mark.parametrize("threshold", GOLDEN_OF_BOTH_SIDES)
def test_the_known_run_lengths_of_both_sides_are_reproduced(threshold: float) -> None:
    """A chart that looks both ways alarms as often as two that look one way."""
    for shift, expected in GOLDEN_OF_BOTH_SIDES[threshold].items():
        assert mean_run_length_of_both_sides(shift, 0.5, threshold) == pytest.approx(
            expected, rel=2e-4, abs=0.005
        ), shift


@pytest.mark.parametrize(("weight", "limit"), GOLDEN_OF_EWMA)
def test_the_known_run_lengths_of_moving_averages_are_reproduced(
    weight: float, limit: float
) -> None:
    """What judges our thresholds judges charts of another kind as the literature does."""
    for shift, expected in GOLDEN_OF_EWMA[weight, limit].items():
        assert mean_run_length_of_ewma(shift, weight, limit) == pytest.approx(
            expected, rel=2e-3, abs=0.006
        ), shift
    assert mean_run_length_of_ewma(0.0, weight, limit) == pytest.approx(500, rel=0.01)


def test_a_textbook_threshold_is_no_threshold_for_many_keys() -> None:
    """With k = 0.5 and h = 5, 88 of 100 stable keys alarm within a thousand scores.

    A threshold for 6,000 keys of 20 scores a day lets one of 6,000 alarm in a week.
    """
    textbook = mean_run_length_of_both_sides(0.0, 0.5, 5.0)
    assert share_of_alarms(textbook, 1000) == pytest.approx(0.883, abs=5e-4)
    asked = scores_between_false_alarms(140, 6000)
    charts = charts_for(a_normal_distribution(), asked)
    rates = [
        1 / mean_run_length(0.0, chart.shift / 2, chart.threshold / chart.shift) for chart in charts
    ]
    assert share_of_alarms(1 / sum(rates), 140) < 1.4 / 6000


def test_a_sequence_of_answers_tells_a_drop_sooner_than_a_sample_of_fixed_size() -> None:
    """Where a share of 10 % doubles: 147 answers, or on average as many as information says.

    Both are mistaken in one of a hundred cases (Wald 1945).
    """
    assert sample_size_of_a_share(0.1, 0.2, chance=0.01, power=0.9) == 147
    usual = Distribution((0.0, 10.0), (0.1, 0.9))
    information = tilted_to(usual, usual.mean - 1.0).information
    assert information == pytest.approx(0.2 * math.log(2) + 0.8 * math.log(8 / 9))
    assert math.log(1 / 0.01) / information < 147


@pytest.mark.parametrize("run_length", [1_000, 100_000])
def test_a_threshold_gives_the_run_length_that_was_asked_for(run_length: int) -> None:
    """For normal scores every chart has the run length that was asked for.

    The exact one is within an eighth (0.12 nats) of it.
    """
    charts = charts_for(a_normal_distribution(), PART * run_length)
    assert [chart.shift for chart in charts] == list(SHIFTS)
    for chart in charts:
        # The sum of log-likelihood ratios for a shift of s standard deviations is s times the
        # standardised CUSUM with k = s / 2.
        assert chart.slope == pytest.approx(-chart.shift, rel=1e-3)
        assert mean_run_length(
            0.0, chart.shift / 2, chart.threshold / chart.shift
        ) == pytest.approx(run_length, rel=1 / 8), chart.shift


def test_information_is_what_a_score_adds_after_the_drop_and_takes_before() -> None:
    """On average a score of the baseline lowers every chart.

    One after the drop raises its chart by the information.
    """
    for chart in charts_for(CEILING, 1e6):
        lowered = tilted_to(CEILING, CEILING.mean - chart.shift).distribution.mean
        assert chart.slope * lowered - chart.offset == pytest.approx(chart.information)
        assert chart.slope * CEILING.mean - chart.offset < 0


def test_no_chart_is_made_for_a_drop_that_is_impossible() -> None:
    """From a mean of 1.5 nothing can fall by 2."""
    assert [chart.shift for chart in charts_for(distribution_of({0.0: 17, 10.0: 3}), 1e6)] == [
        0.6,
        1.2,
    ]


@given(st.lists(st.integers(0, 10), min_size=1, max_size=30), st.integers(1, 30))
def test_what_arrives_together_adds_what_it_would_add_one_by_one_but_for_zero(
    scores: list[int], split: int
) -> None:
    """Panes lose nothing: the sum of a group is that of its parts wherever it stays above zero."""
    [chart, *_] = charts_for(CEILING, 1e6)
    begin = Sum(100.0)
    together = advance(chart, begin, scores_of(scores, NOW))
    parts = advance(chart, begin, scores_of(scores[:split], NOW))
    if scores[split:]:
        parts = advance(chart, parts, scores_of(scores[split:], NOW))
    assert parts.value == pytest.approx(together.value)
    assert (parts.scores, parts.total, parts.squares) == (
        together.scores,
        together.total,
        together.squares,
    )


def test_a_chart_goes_on_from_where_it_stood() -> None:
    """By hand: from zero to 0.5, from 0.5 to 1, and at or below zero it forgets."""
    chart = Chart(
        shift=1.0, slope=-0.5, offset=-4.0, information=0.5, threshold=5.0
    )  # a score of 7 adds 0.5, one of 9 takes 0.5
    later = NOW.replace(hour=13)
    first = advance(chart, Sum(), Scores(1, 7.0, 49.0, NOW))
    assert first == Sum(0.5, 1, 7.0, NOW, 49.0)
    second = advance(chart, first, Scores(1, 7.0, 49.0, later))
    assert second == Sum(1.0, 2, 14.0, NOW, 98.0)
    third = advance(chart, second, Scores(2, 18.0, 162.0, later))
    assert third == Sum()
    assert advance(chart, third, Scores(1, 6.0, 36.0, later)) == Sum(1.0, 1, 6.0, later, 36.0)


def test_what_was_added_can_be_taken_back() -> None:
    """A correction subtracts what the mistaken score had added."""
    [chart, *_] = charts_for(CEILING, 1e6)
    before = Sum(3.0, 5, 30.0, NOW)
    assert advance(
        chart, advance(chart, before, Scores(1, 2.0, 4.0, NOW)), Scores(-1, -2.0, -4.0, NOW)
    ).value == pytest.approx(before.value)


def test_a_chart_at_zero_has_forgotten() -> None:
    """After good scores nothing is left of what came before."""
    [chart, *_] = charts_for(CEILING, 1e6)
    assert advance(chart, Sum(0.1, 5, 30.0, NOW), scores_of([10.0] * 10, NOW)) == Sum()


def test_stable_scores_alarm_no_more_often_than_allowed_and_drops_are_found_near_the_bound() -> (
    None
):
    """By simulation, false alarms and delays are as promised.

    In 200 times the allowed number there are at most 200 alarms, and each drop is found within 1.3
    times ln(run length) / information.
    """
    allowed, random = 2_000, Random(7)
    charts = charts_for(CEILING, allowed)
    alarms = _alarms(charts, CEILING, 200 * allowed, random)
    assert 20 < alarms <= 200
    for drop in (0.5, 1.0, 2.0, 3.0):
        after = tilted_to(CEILING, CEILING.mean - drop)
        delays = sorted(_delay(charts, after.distribution, random) for _ in range(301))
        # What there is to a chart that starts at zero: the bound, and the part of a score by which
        # it is passed.
        assert delays[150] <= 1.3 * math.log(allowed) / after.information + 1


@needs_survey
def test_thresholds_follow_from_the_scores_of_a_real_survey() -> None:
    """Scores pile up at the best mark: 190 of 1,811 customers of a survey gave it.

    So thresholds come from the shape of the scores. Scores that are drawn from the survey alarm as
    often as promised.
    """
    overall = survey()[:, 0]
    marks, counts = np.unique(overall, return_counts=True)
    assert (len(overall), marks[-1], counts[-1]) == (1811, 10, 190)
    scores = distribution_of({float(mark): int(n) for mark, n in zip(marks, counts, strict=True)})
    allowed = 2_000
    assert 20 < _alarms(charts_for(scores, allowed), scores, 200 * allowed, Random(7)) <= 200


def _alarms(charts: list, scores: Distribution, count: int, random: Random) -> int:  # type: ignore[type-arg]  # of charts
    sums, alarms = [Sum() for _ in charts], 0
    for score in random.choices(scores.values, scores.shares, k=count):
        sums = [
            advance(chart, state, scores_of([score], NOW))
            for chart, state in zip(charts, sums, strict=True)
        ]
        if is_above(charts, sums):
            alarms, sums = alarms + 1, [Sum() for _ in charts]
    return alarms


def _delay(charts: list, scores: Distribution, random: Random) -> int:  # type: ignore[type-arg]  # of charts
    sums, delay = [Sum() for _ in charts], 0
    while not is_above(charts, sums):
        [score] = random.choices(scores.values, scores.shares)
        sums = [
            advance(chart, state, scores_of([score], NOW))
            for chart, state in zip(charts, sums, strict=True)
        ]
        delay += 1
    return delay
