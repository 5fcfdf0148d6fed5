"""Lets a detector hear whole hours, in the order of their time.

So where a detector stands is a function of the hours that are known. It does not depend on who
uploaded first: whoever knows the hours can compute it anew. An hour that is not over is heard as
far as it is known, from where the detector stood before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.detector import (
    Detector,
    announce,
    feed,
    has_recovered,
    latest,
    start_anew,
    suspicion,
)
from voc_stream.alerts.detection.hour_of_week import without_rhythm
from voc_stream.alerts.detection.overdispersion import DAYS_A_WEEK
from voc_stream.alerts.detection.settling import day_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeAlias

    from voc_stream.alerts.detection.charts import Scores
    from voc_stream.alerts.detection.detector import Suspicion


class Gates(NamedTuple):
    """What a drop must reach beside the chart's threshold.

    Attributes:
        least_drop: points.
        minimum_samples: scores in seven days; also what a recovery needs at least.
    """

    least_drop: float
    minimum_samples: int


IsOfOneSite: TypeAlias = "Callable[[Suspicion, datetime], bool]"
"""Whether a drop of all sites, up to and with an hour, is that of one of them."""


def hear(
    detector: Detector,
    hour: Scores,
    gates: Gates,
    *,
    usual_difference: float = 0.0,
    hears_differences: bool = False,
    is_of_one_site: IsOfOneSite | None = None,
) -> Detector:
    """The detector after one more hour: usual, fallen, or recovered.

    Args:
        detector: as it stood when the hour began.
        hour: what is known of the hour; its moment is when it began.
        gates: what a drop must reach, too.
        usual_difference: by how many points scores of this hour of the week lie above the mean
            everywhere. The site's own pattern comes on top.
        hears_differences: whether totals are differences to what is usual, as of the scope `all`.
        is_of_one_site: for the scope `all`. While one site explains the drop, it is that site's.
    """
    day = day_number(hour.moment)
    points = usual_difference + detector.pattern[day % DAYS_A_WEEK]
    if hears_differences:
        points -= detector.usual
    detector = _counted(feed(detector, without_rhythm(hour, points)), day, hour.number)
    if detector.fallen is not None:
        if has_recovered(detector, gates.minimum_samples):
            return start_anew(detector)._replace(recovered_at=hour.moment)
        return detector._replace(told=latest(detector) or detector.told)
    if sum(number for _, number in detector.recent) < gates.minimum_samples:
        return detector
    found = suspicion(detector, gates.least_drop)
    if (
        found is None
        or found.margin <= 0
        or (is_of_one_site is not None and is_of_one_site(found, hour.moment))
    ):
        return detector
    return announce(detector, found.chart)._replace(fallen_at=hour.moment, told=found)


def is_news(detector: Detector, now: datetime) -> bool:
    """Whether it heard anything in the last seven days; older drops are no news."""
    return any(
        number > 0 and day > day_number(now) - DAYS_A_WEEK for day, number in detector.recent
    )


def _counted(detector: Detector, day: int, number: int) -> Detector:
    """The detector with the scores of this day counted, and without those of a week ago."""
    counts = {known: count for known, count in detector.recent if known > day - DAYS_A_WEEK}
    counts[day] = counts.get(day, 0) + number
    return detector._replace(recent=tuple(sorted(counts.items())))
