"""Measures intervals whose answers depend on their day, with `phi` taken from the weeks before.

All answers of a site on one day are a little better or worse together: one tired advisor, one long
queue. Scores are a normal curve around 7.5 with a deviation of 1.5, rounded, on the scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voc_stream.alerts.detection.overdispersion import DayScores, phi_of
from voc_stream.alerts.detection.weekday_pattern import days_of_site
from voc_stream.domain.estimates.intervals import of_bounded_mean

if TYPE_CHECKING:
    from benchmarks.detection.world import Numbers

CASES = ((0.0, 0.0), (0.1, 0.0), (0.2, 0.0), (0.4, 0.0), (0.0, 1.0), (0.2, 1.0))
"""The standard deviation of days, and by how much the level fell four weeks ago, both in points."""
A_DAY = (20, 240)
PAST_DAYS, DAYS = 56, 7
MEAN, DEVIATION = 7.5, 1.5
_MANY = 400_000


def covered(
    shock: float, fall: float, a_day: int, sites: int, random: np.random.Generator
) -> tuple[float, float, float]:
    """Coverage of the mean of a week without and with `phi`, and the mean `phi`.

    `shock` and `fall` are one of `CASES`.
    """
    truth = float(_scores(shock, _MANY, 1, random).mean())
    without, with_phi, phis = 0, 0, 0.0
    above = np.where(np.arange(PAST_DAYS) < PAST_DAYS / 2, fall, 0.0)
    for _ in range(sites):
        past = _scores(shock, PAST_DAYS, a_day, random, above)
        days = [DayScores(day, a_day, float(scores.sum())) for day, scores in enumerate(past)]
        phi = phi_of(days_of_site([(days, float(past.var()))]).daily)
        hundredths = (100 * _scores(shock, DAYS, a_day, random)).astype(np.int64)
        sums = (hundredths.size, int(hundredths.sum()), int((hundredths**2).sum()))
        without += _holds(truth, sums, 1.0)
        with_phi += _holds(truth, sums, phi)
        phis += phi
    return without / sites, with_phi / sites, phis / sites


def _holds(truth: float, sums: tuple[int, int, int], phi: float) -> bool:
    low, high = of_bounded_mean(*sums, phi)
    return low <= truth <= high


def _scores(
    shock: float, days: int, a_day: int, random: np.random.Generator, above: Numbers | float = 0.0
) -> Numbers:
    """Scores by day; `above` is by how much each day lies above the level."""
    of_day = random.normal(0.0, shock, (days, 1)) if shock else 0.0
    scores = random.normal(MEAN, DEVIATION, (days, a_day)) + of_day
    scores += np.broadcast_to(above, days)[:, None]
    return np.clip(np.rint(scores), 0, 10)
