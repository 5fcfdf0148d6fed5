"""The bound: how long the surest detector needs for a drop in a world, at a rate of false alarms.

It is told how days scatter, what the site's level and its weekdays are, and which drop to expect.
What a day's shock is, it must find out from the scores, as everybody must. A Kalman filter does
that best (Willsky and Jones 1976): each hour it is surprised by the drop a little less, since it
takes a part of it for shocks of days. When the squares of these surprises, in standard errors, come
to twice ln(time between false alarms), the drop is found.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.detection.worlds.effects import OPEN_HOURS

from voc_stream.alerts.detection.distribution import tilted_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.detection.worlds.effects import Scatter

    from voc_stream.alerts.detection.distribution import Distribution

_BEFORE = 60
"""Days after which the filter knows all that it can."""
_LONGEST = 400


def bound(
    usual: Distribution, scatters: Sequence[Scatter], drop: float, a_day: int, between_alarms: float
) -> float:
    """Open hours until a drop is found, on average.

    Args:
        usual: how a key scores.
        scatters: what the answers of a day share.
        drop: points.
        a_day: answers a day.
        between_alarms: between two false alarms of a key, in the unit that delays are told in.
    """
    information = tilted_to(usual, usual.mean - drop).information
    # One score says as much as a normal one of this variance.
    noise = drop**2 / (2 * information) / (a_day / OPEN_HOURS)
    correlations = np.array([each.correlation for each in scatters])
    fresh = np.array([each.deviation**2 * (1 - each.correlation**2) for each in scatters])
    state = np.zeros(len(scatters))
    known = np.diag([each.deviation**2 for each in scatters])
    needed, found = math.log(between_alarms), 0.0
    for hour in range(-_BEFORE * OPEN_HOURS, _LONGEST * OPEN_HOURS):
        if hour % OPEN_HOURS == 0:
            state = correlations * state
            known = np.outer(correlations, correlations) * known + np.diag(fresh)
        surprise = (drop if hour >= 0 else 0.0) - state.sum()
        variance = known.sum() + noise
        gain = known.sum(axis=1) / variance
        state = state + gain * surprise
        known -= np.outer(gain, gain) * variance
        told = float(surprise**2 / (2 * variance))
        if found + told >= needed:
            return hour + (needed - found) / told
        found += told
    return math.inf
