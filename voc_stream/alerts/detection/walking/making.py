"""Makes the detector of a key from its past, its site's days, and what is common to all sites."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003  msgspec reads the annotations at run time
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.baseline import (
    BASELINE_DAYS,
    CAUTION,
    Past,
    at_mean,
    counted_by,
    shrink,
    variance_between,
)
from voc_stream.alerts.detection.charts import scores_between_false_alarms
from voc_stream.alerts.detection.detector import Detector, detector_for
from voc_stream.alerts.detection.distribution import (
    Distribution,  # noqa: TC001  msgspec reads the annotations at run time
)
from voc_stream.alerts.detection.overdispersion import (
    DAYS_A_WEEK,
    DayScores,
    memory_of,
    phi_of,
    weeks_of,
)
from voc_stream.alerts.detection.settling import EPOCH_DAYS, midnight
from voc_stream.alerts.detection.wandering import Wandering, course_of, wandering_of
from voc_stream.alerts.detection.weekday_pattern import SiteDays, days_of_site, pool_experiences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_DRAWN = 2.0
"""By how many of its own standard errors a mean is drawn towards that of all sites at most.

A new site that is far from all others has a level of its own, and has not fallen. This is the
limited translation estimator of Efron and Morris 1972.
"""
AHEAD = math.sqrt(1.5)
"""How many times as far levels wander from the middle of eight weeks to that of the four after."""
WARY = 1.75
"""By how many standard deviations of that a mean is taken lower than it seems.

A wandering level is no cause that anybody could find: it takes more caution than chance does. Both
are independent, so their squares add up.
"""
_DIGITS = 2
"""Of the mean of all sites, in points."""


class Common(NamedTuple):
    """What is common to all sites, of the eight weeks before a day.

    Numbers are rounded, so that single late scores do not change every detector.

    Attributes:
        shapes: of each experience, the distribution of its scores, at the mean of all sites.
        errors: of each experience, the standard error of the mean of all sites.
        between: of each experience, the variance between true means of sites, points squared.
        keys: how many keys there are.
        memory: by how much more weeks scatter than days.
        wandering: how levels move by themselves.
    """

    shapes: Mapping[str, Distribution]
    errors: Mapping[str, float]
    between: Mapping[str, float]
    keys: int
    memory: float
    wandering: Wandering = Wandering()


def common_of(
    shapes: Mapping[str, Distribution],
    sites: Iterable[Mapping[str, Sequence[DayScores]]],
    minimum_samples: Mapping[str, int],
) -> Common:
    """What is common to sites.

    Args:
        shapes: of each experience, the distribution of its scores.
        sites: of each site, the days of each experience.
        minimum_samples: of each experience, how many scores a key needs.
    """
    found, weeks = [], []
    for site in sites:
        judged = {key: days for key, days in sorted(site.items()) if key in shapes}
        found.append(
            (site_days(shapes, judged), {key: past_of(each) for key, each in judged.items()})
        )
        weeks.append(weeks_of(pool_experiences(judged.values())))
    memory = memory_of((days.daily, days.weekly) for days, _ in found)
    pasts: dict[str, list[Past]] = {experience: [] for experience in shapes}
    counted: dict[str, list[Past]] = {experience: [] for experience in shapes}
    variance = fmean(shape.variance for shape in shapes.values()) if shapes else 0.0
    courses = []
    for (days, of_site), of_weeks in zip(found, weeks, strict=True):
        phi = phi_of(days.daily, memory)
        courses.append(course_of(of_weeks, variance * phi))
        for experience, past in of_site.items():
            pasts[experience].append(past)
            counted[experience].append(counted_by(past, phi))
    keys = sum(
        past.scores >= minimum_samples[experience]
        for experience, of_sites in pasts.items()
        for past in of_sites
    )
    return Common(
        {
            experience: at_mean(shape, round(_mean(pasts[experience]), _DIGITS))
            for experience, shape in shapes.items()
            if pasts[experience]
        },
        {
            experience: _two_digits(math.sqrt(shape.variance / sum(each.scores for each in known)))
            for experience, shape in shapes.items()
            if (known := counted[experience])
        },
        {
            experience: _two_digits(variance_between(counted[experience], shape.variance))
            for experience, shape in shapes.items()
        },
        int(_two_digits(keys + len(shapes))),
        max(1.0, _two_digits(memory)),
        rounded(wandering_of([course for course in courses if course is not None])),
    )


def site_days(
    shapes: Mapping[str, Distribution], site: Mapping[str, Sequence[DayScores]]
) -> SiteDays:
    """What the days of one site say, over its experiences."""
    return days_of_site(
        [
            (days, shapes[experience].variance)
            for experience, days in sorted(site.items())
            if experience in shapes
        ]
    )


def past_of(days: Sequence[DayScores]) -> Past:
    """The past of one key.

    >>> past_of([DayScores(0, 10, 70.0), DayScores(1, 10, 90.0)])
    Past(scores=20, mean=8.0)
    """
    scores = sum(day.scores for day in days)
    return Past(scores, sum(day.total for day in days) / scores if scores > 0 else 0.0)


def detector_of(
    day: int,
    experience: str,
    own: Sequence[DayScores],
    site: SiteDays,
    common: Common,
    *,
    is_of_all: bool = False,
) -> Detector | None:
    """The detector of one key as a day begins; None if nothing is known of its experience.

    Args:
        day: see `DayScores`.
        experience: of the key.
        own: the key's days of the eight weeks before.
        site: what all days of the site say, of the same weeks.
        common: what is common to all sites.
        is_of_all: whether the key is the experience at all sites: it has no parent.
    """
    shape = common.shapes.get(experience)
    past = past_of(own)
    if shape is None or past.scores <= 0:
        return None
    phi = phi_of(site.daily, common.memory)
    counted = counted_by(past, phi)
    between = math.inf if is_of_all else common.between[experience]
    usual, error = shrink(counted, shape.mean, shape.variance, between)
    own_error = math.sqrt(shape.variance / counted.scores)
    if abs(usual - past.mean) > MOST_DRAWN * own_error:
        usual, error = (
            past.mean + math.copysign(MOST_DRAWN * own_error, usual - past.mean),
            own_error,
        )
    elif not is_of_all:
        # So much of what is usual here is taken from all sites, with the error of their mean.
        taken = 1.0 if between <= 0 else error**2 / between
        error = math.hypot(error, taken * common.errors[experience])
    wandered = 0.0
    if not is_of_all:
        middle = sum(each.day * each.scores for each in own) / past.scores
        usual += common.wandering.slope * (day + EPOCH_DAYS / 2 - middle)
        wandered = AHEAD * common.wandering.deviation
    days = sum(each.scores > 0 for each in own)
    return detector_for(
        at_mean(shape, usual - math.hypot(CAUTION * error, WARY * wandered)),
        usual,
        math.hypot(error, wandered),
        int(past.scores),
        scores_between_false_alarms=scores_between_false_alarms(
            past.scores / days * DAYS_A_WEEK, common.keys
        ),
        now=midnight(day),
        phi=phi,
        pattern=site.pattern,
    )


def before(days: Sequence[DayScores], day: int) -> list[DayScores]:
    """The days of the eight weeks before a day.

    >>> before([DayScores(0, 1, 7.0), DayScores(1, 1, 8.0), DayScores(57, 1, 9.0)], 57)
    [DayScores(day=1, scores=1, total=8.0)]
    """
    return [each for each in days if day - BASELINE_DAYS <= each.day < day]


def _mean(pasts: Sequence[Past]) -> float:
    scores = sum(past.scores for past in pasts)
    return sum(past.scores * past.mean for past in pasts) / scores


def rounded(wandering: Wandering) -> Wandering:
    """With two digits each.

    >>> rounded(Wandering(-0.004567, 0.0))
    Wandering(slope=-0.0046, deviation=0.0)
    """
    return Wandering(-_two_digits(-wandering.slope), _two_digits(wandering.deviation))


def _two_digits(number: float) -> float:
    """The number with its first two digits; above ten, they are the tens' and the ones'.

    >>> _two_digits(0.04567), _two_digits(6132), _two_digits(1.234), _two_digits(0)
    (0.046, 6100.0, 1.2, 0.0)
    """
    if number <= 0:
        return 0.0
    return float(f"{number:.1e}")
