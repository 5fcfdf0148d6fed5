from __future__ import annotations

from random import Random

import pytest

from voc_stream.alerts.detection.overdispersion import DAYS_A_WEEK, DayScores
from voc_stream.alerts.detection.wandering import (
    FEWEST_SITES,
    STEEPEST,
    Course,
    Wandering,
    course_of,
    wandering_of,
)

VARIANCE = 4.0
SCORES_A_WEEK = 1000
SEASON = -0.005
"""Points a day: the steepest of a season of 0.3 up and down."""


def course(
    random: Random, *, slope: float = 0.0, last: float = 0.0, bad_week: float = 0.0
) -> Course:
    """Of a site whose level falls by `slope` a day, and by `last` after four weeks."""
    weeks = []
    for week in range(8):
        day = week * DAYS_A_WEEK
        mean = slope * day + (last if week > 3 else 0.0) + (bad_week if week == 5 else 0.0)
        mean += random.gauss(0.0, (VARIANCE / SCORES_A_WEEK) ** 0.5)
        weeks.append(DayScores(day, SCORES_A_WEEK, SCORES_A_WEEK * mean))
    found = course_of(weeks, VARIANCE)
    assert found is not None
    return found


def test_a_season_is_known_by_its_slope() -> None:
    """All sites fall slowly together: that is taken off, but for a standard error."""
    random = Random(1)
    found = wandering_of([course(random, slope=SEASON) for _ in range(50)])
    assert found.slope == pytest.approx(SEASON, abs=0.0004)
    assert found.deviation == pytest.approx(0.0, abs=0.01)


def test_levels_that_stand_do_not_wander() -> None:
    """Chance alone lowers no baseline: drops are found as soon as ever."""
    random = Random(2)
    found = [wandering_of([course(random) for _ in range(50)]) for _ in range(20)]
    assert min(each.slope for each in found) > -0.0002
    assert sum(each.deviation for each in found) / len(found) < 0.01


def test_a_rise_is_no_reason_to_expect_more() -> None:
    """What rises may stop to rise, and nothing has fallen."""
    random = Random(3)
    assert wandering_of([course(random, slope=0.01) for _ in range(50)]).slope == 0.0


@pytest.mark.parametrize("fallen", [1, 2])
def test_true_drops_of_some_sites_make_the_others_not_blind(fallen: int) -> None:
    """Medians do not follow the drop of a minority of sites, however large it is."""
    random = Random(4)
    courses = [course(random, last=-8.0) for _ in range(fallen)]
    courses += [course(random) for _ in range(FEWEST_SITES + 1 - fallen)]
    found = wandering_of(courses)
    assert found.slope > -0.0005
    assert found.deviation < 0.08


def test_a_bad_week_everywhere_is_no_season() -> None:
    """One of eight weeks does not move the median of slopes."""
    random = Random(5)
    courses = [course(random, bad_week=-2.0) for _ in range(20)]
    assert wandering_of(courses).slope > -0.001


def test_a_drop_everywhere_is_taken_for_a_season_in_part_only() -> None:
    """However far all fell, so much at most is thought to go on."""
    random = Random(6)
    found = wandering_of([course(random, last=-3.0) for _ in range(20)])
    assert found.slope == -STEEPEST / 28


def test_levels_that_move_by_themselves_are_known_by_their_spread() -> None:
    """Teams change: each site moves by itself, some up and some down."""
    random = Random(7)
    found = wandering_of([course(random, last=random.gauss(0.0, 0.3)) for _ in range(100)])
    assert found.deviation == pytest.approx(0.28, abs=0.07)


def test_of_few_sites_nothing_is_said() -> None:
    """One drop could pass for a season."""
    random = Random(8)
    courses = [course(random, slope=SEASON) for _ in range(FEWEST_SITES - 1)]
    assert wandering_of(courses) == Wandering()
