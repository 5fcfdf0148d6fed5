from __future__ import annotations

from random import Random

import pytest

from voc_stream.alerts.detection.charts import charts_for
from voc_stream.alerts.detection.distribution import distribution_of
from voc_stream.alerts.detection.overdispersion import (
    DayScores,
    Scatter,
    day_by_day,
    memory_of,
    phi_of,
    scatter_of,
)
from voc_stream.alerts.detection.weekday_pattern import NO_PATTERN, days_of_site

BASELINE = distribution_of({float(value): value + 1.0 for value in range(11)})
VARIANCE = 4.0


def day(
    number: int, random: Random, *, scores: int, shock: float, weekday: float = 0.0
) -> DayScores:
    level = random.gauss(0, shock) + weekday
    total = sum(random.gauss(7 + level, VARIANCE**0.5) for _ in range(scores))
    return DayScores(number, scores, total)


def days(
    seed: int, *, scores: int = 40, shock: float = 0.0, saturday: float = 0.0
) -> list[DayScores]:
    random = Random(seed)
    return [
        day(number, random, scores=scores, shock=shock, weekday=saturday * (number % 7 == 5))
        for number in range(56)
    ]


def test_independent_scores_count_as_what_they_are() -> None:
    """Phi of a site with many experiences is 1, so nothing changes for it."""
    found = days_of_site([(days(seed), VARIANCE) for seed in range(20)])
    assert phi_of(found.daily) == pytest.approx(1.0, abs=0.1)
    assert max(map(abs, found.pattern)) < 0.05


def test_scores_of_alike_days_count_less() -> None:
    """Phi is 1 + scores a day * variance of the days / variance of scores."""
    found = days_of_site([(days(seed, shock=0.5), VARIANCE) for seed in range(20)])
    assert phi_of(found.daily) == pytest.approx(1 + 40 * 0.25 / VARIANCE, rel=0.15)


def test_a_weekday_that_is_bad_each_week_is_a_pattern_and_no_shock() -> None:
    """What comes again each week is taken off, and does not make scores count less."""
    found = days_of_site([(days(seed, saturday=-1.4), VARIANCE) for seed in range(20)])
    assert found.pattern[5] == pytest.approx(-1.2, abs=0.1)
    assert sum(found.pattern) == pytest.approx(0, abs=1e-9)
    assert phi_of(found.daily) == pytest.approx(1.0, abs=0.1)


def test_two_weeks_are_needed_for_a_pattern() -> None:
    """One bad Saturday is no pattern."""
    short = days(1, saturday=-3.0)[:13]
    assert days_of_site([(short, VARIANCE)]).pattern == NO_PATTERN


def test_bad_days_that_follow_each_other_make_weeks_scatter_more() -> None:
    """Whole bad weeks show in the memory of all sites."""
    sites = []
    for seed in range(20):
        random = Random(seed)
        shocks = [random.gauss(0, 0.3) for _ in range(8)]
        sites.append(
            [
                day(number, random, scores=40, shock=0.0, weekday=shocks[number // 7])
                for number in range(56)
            ]
        )
    found = [days_of_site([(each, VARIANCE)]) for each in sites]
    # Days of one week differ by chance alone, and one day in seven follows another week.
    days_scatter = 1 + 7 / 55 * 40 * 0.09 / VARIANCE
    assert memory_of((each.daily, each.weekly) for each in found) == pytest.approx(
        (1 + 280 * 0.09 / VARIANCE) / days_scatter, rel=0.25
    )


def test_a_drop_makes_hardly_any_score_count_less() -> None:
    """A level that falls is no chance.

    Neither the site's next drop nor that of another site must be found later because of it, and
    intervals stay as narrow as they were.
    """
    fallen = [
        [
            each._replace(total=each.total - each.scores * (each.day >= 28))
            for each in days(seed, scores=240)
        ]
        for seed in range(3)
    ]
    usual = [days(seed, scores=240) for seed in range(3, 9)]
    found = [days_of_site([(each, VARIANCE)]) for each in (*fallen, *usual)]
    assert phi_of(found[0].daily) < 2.5
    assert memory_of((each.daily, each.weekly) for each in found) < 2.0


def test_a_day_is_compared_with_the_one_before() -> None:
    """The scatter is that of a day and the next one, whatever came before them."""
    low, high = DayScores(0, 10, 70.0), DayScores(3, 10, 90.0)
    assert day_by_day([low, high], VARIANCE) == Scatter(5.0, 1)
    assert day_by_day([low, DayScores(1, 0, 0.0), high], VARIANCE) == Scatter(5.0, 1)
    assert day_by_day([low] * 9 + [high] * 9, VARIANCE) == Scatter(5.0, 17)


def test_a_score_of_a_chart_counts_one_phi_th() -> None:
    """Slope, offset and information; phi of 1 changes nothing, to the last digit."""
    plain, one, two = (charts_for(BASELINE, 1e6, *phi) for phi in ((), (1.0,), (2.0,)))
    assert plain == one
    for before, after in zip(plain, two, strict=True):
        assert (after.slope, after.offset, after.information) == pytest.approx(
            (before.slope / 2, before.offset / 2, before.information / 2)
        )
        assert after.threshold == pytest.approx(before.threshold - 0.6931, abs=1e-3)


def test_scatter_of_one_day_says_nothing() -> None:
    """No data is no phi."""
    assert phi_of(scatter_of([DayScores(0, 10, 70.0)], VARIANCE)) == 1.0
