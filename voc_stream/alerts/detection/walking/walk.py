"""Walks a detector through hours and days: it hears hours, and gets new baselines.

Each day begins with the question whether the baseline is due. It is at an epoch, and if there are
twice as many scores as it was made from. It is never renewed while a drop is suspected, so that a
beginning drop does not become usual.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.alerts.detection.detector import (
    Detector,
    is_calm,
)
from voc_stream.alerts.detection.hearing import Gates, IsOfOneSite, hear
from voc_stream.alerts.detection.overdispersion import DAYS_A_WEEK
from voc_stream.alerts.detection.settling import day_number, epoch_of, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voc_stream.alerts.detection.charts import Scores

OVERDUE_TIMES = 4
"""By how many times the scores of a baseline must have grown until it is renewed in any case."""
MARKS = 2
"""How many Mondays' checkpoints are kept: what comes within a week needs no longer walk."""


class Checkpoint(NamedTuple):
    """Where a detector stood. It is a cache: the walk to it can be done again.

    Attributes:
        until: hours before it are heard, and the days that began before it have begun.
        detector: None while too little is known to make one.
    """

    until: datetime
    detector: Detector | None


class Guide(NamedTuple):
    """What the walk of one key needs to know.

    Attributes:
        gates: what a drop must reach.
        usual_difference: by how many points scores of an hour lie above the mean everywhere.
        usual_within_weekday: the same, above the mean of the weekday. It is taken for a site whose
            weekdays are known: they hold what weekdays differ everywhere.
        scores_before: how many scores the eight weeks before a day have.
        make: makes the detector of a day from the eight weeks before; None if they do not do.
        hears_differences: for the scope `all`; see `hear`.
        is_of_one_site: for the scope `all`; see `hear`.
    """

    gates: Gates
    usual_difference: Callable[[datetime], float]
    usual_within_weekday: Callable[[datetime], float]
    scores_before: Callable[[int], float]
    make: Callable[[int], Detector | None]
    hears_differences: bool = False
    is_of_one_site: IsOfOneSite | None = None

    def hear(self, detector: Detector, hour: Scores) -> Detector:
        """The detector after one more hour."""
        return hear(
            detector,
            hour,
            self.gates,
            usual_difference=(
                self.usual_within_weekday if any(detector.pattern) else self.usual_difference
            )(hour.moment),
            hears_differences=self.hears_differences,
            is_of_one_site=self.is_of_one_site,
        )


def walk(
    start: Checkpoint, hours: Iterable[Scores], until: datetime, guide: Guide
) -> list[Checkpoint]:
    """The checkpoints on the way, of each Monday, and last the one at `until`.

    Args:
        start: where it begins.
        hours: what is known of the hours from `start.until` to `until`, in their order.
        until: a full hour.
        guide: what it needs to know of the key.
    """
    found: list[Checkpoint] = []
    detector = start.detector
    day = day_number(start.until)
    if midnight(day) < start.until:
        day += 1
    for hour in hours:
        day, detector = _begin_days(found, detector, day, hour.moment, guide)
        if detector is not None:
            detector = guide.hear(detector, hour)
    _, detector = _begin_days(found, detector, day, until, guide, is_end=True)
    return [*found, Checkpoint(until, detector)]


def hear_open_hours(
    detector: Detector | None, hours: Iterable[Scores], guide: Guide
) -> Detector | None:
    """The detector after hours that are not settled; it forgets them with the next evaluation."""
    for hour in hours:
        if detector is not None:
            detector = guide.hear(detector, hour)
    return detector


def kept(before: Sequence[Checkpoint], new: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The checkpoints to keep: the latest Mondays before the last one, and the last one.

    Args:
        before: those known before the walk, the latest last. The walk began at one of them.
        new: what the walk found.
    """
    earlier = [each for each in (*before, *new[:-1]) if each.until < new[-1].until]
    mondays = {each.until: each for each in earlier if _is_monday(each.until)}
    return [*(mondays[until] for until in sorted(mondays)[-MARKS:]), new[-1]]


def _is_monday(moment: datetime) -> bool:
    day = day_number(moment)
    return day % DAYS_A_WEEK == 0 and midnight(day) == moment


def _begin_days(
    found: list[Checkpoint],
    detector: Detector | None,
    day: int,
    moment: datetime,
    guide: Guide,
    *,
    is_end: bool = False,
) -> tuple[int, Detector | None]:
    """Begin all days up to a moment; at the end of the walk, only those that began before it."""
    while (at := midnight(day)) <= moment and not (is_end and at == moment):
        if day % DAYS_A_WEEK == 0:
            found.append(Checkpoint(at, detector))
        detector = begin_day(detector, day, guide)
        day += 1
    return day, detector


def begin_day(detector: Detector | None, day: int, guide: Guide) -> Detector | None:
    """The detector with which a day begins: a new one, if its baseline is due."""
    scores = guide.scores_before(day)
    if detector is None:
        return guide.make(day) if scores >= guide.gates.minimum_samples else None
    if (
        scores < guide.gates.minimum_samples
        or not is_due(day_number(detector.made_at), detector.baseline_scores, day, scores)
        or not (is_calm(detector) or _is_overdue(detector, scores))
    ):
        return detector
    made = guide.make(day)
    if made is None:
        return detector
    return made._replace(recent=detector.recent, recovered_at=detector.recovered_at)


def is_due(made: int, baseline_scores: int, day: int, scores: float) -> bool:
    """Whether a baseline is to be taken anew on a day.

    Args:
        made: the day on which it was made.
        baseline_scores: from how many scores.
        day: the day that begins.
        scores: how many there are in the eight weeks before it.

    >>> is_due(27, 100, 28, 100), is_due(28, 100, 29, 100), is_due(28, 100, 29, 200)
    (True, False, True)
    """
    return epoch_of(day) > epoch_of(made) or scores >= 2 * baseline_scores


def _is_overdue(detector: Detector, scores: float) -> bool:
    """Whether a baseline of few scores has to go although something is suspected.

    If it happens to be too high, it makes all that follows suspicious.
    """
    return detector.fallen is None and scores >= OVERDUE_TIMES * detector.baseline_scores
