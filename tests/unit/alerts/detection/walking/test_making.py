from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from voc_stream.alerts.detection.distribution import distribution_of
from voc_stream.alerts.detection.overdispersion import DayScores
from voc_stream.alerts.detection.walking.making import common_of, detector_of, site_days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voc_stream.alerts.detection.detector import Detector

SHAPE = distribution_of({4.0: 1, 6.0: 1, 7.0: 2, 8.0: 3, 9.0: 3, 10.0: 2})
A_DAY, DAYS = 200, 56
EXPERIENCE = "advice"


def past(random: Random, level: Callable[[int], float]) -> list[DayScores]:
    """Eight weeks of a site whose mean is `level` of the day."""
    deviation = (SHAPE.variance / A_DAY) ** 0.5
    return [
        DayScores(day, A_DAY, A_DAY * (level(day) + random.gauss(0.0, deviation)))
        for day in range(DAYS)
    ]


def first_of(sites: Sequence[Mapping[str, Sequence[DayScores]]]) -> Detector:
    """The detector of the first site after the eight weeks."""
    shapes = {EXPERIENCE: SHAPE}
    common = common_of(shapes, sites, {EXPERIENCE: 20})
    days = sites[0][EXPERIENCE]
    found = detector_of(DAYS, EXPERIENCE, days, site_days(shapes, sites[0]), common)
    assert found is not None
    return found


def usual_after(level: Callable[[int, int], float], sites: int = 12) -> float:
    """What is usual at the first site, if site i has the mean level(i, day)."""
    random = Random(1)
    of_sites = [{EXPERIENCE: past(random, partial(level, site))} for site in range(sites)]
    return first_of(of_sites).usual


def _after_step(step: float, day: int) -> float:
    return 8.0 + (step if day > 27 else 0.0)


def test_a_season_goes_on_for_four_weeks() -> None:
    """Levels that fall everywhere are expected where they will be in the middle of these."""
    usual = usual_after(lambda _, day: 8.0 - 0.005 * day)
    assert usual == pytest.approx(8.0 - 0.005 * (DAYS + 14), abs=0.04)


def test_a_drop_of_some_sites_is_no_season() -> None:
    """However far they fell: others are drawn a little to the mean of all sites, as ever."""
    usual = usual_after(lambda site, day: 8.0 - (5.0 if site > 8 and day > 30 else 0.0))
    assert usual > 7.9


def test_of_few_sites_no_season_is_known() -> None:
    """It could be a drop of them: what is usual is their mean."""
    usual = usual_after(lambda _, day: 8.0 - 0.005 * day, sites=3)
    assert usual == pytest.approx(8.0 - 0.005 * DAYS / 2, abs=0.04)


def test_where_levels_wander_detectors_are_more_cautious() -> None:
    """Their evidence says that less is known of what is usual."""
    random = Random(2)
    still = [{EXPERIENCE: past(random, lambda _: 8.0)} for _ in range(20)]
    steps = [random.gauss(0.0, 0.3) for _ in range(20)]
    wandering = [{EXPERIENCE: past(random, partial(_after_step, step))} for step in steps]
    assert first_of(wandering).error > 3 * first_of(still).error
