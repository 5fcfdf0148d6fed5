from __future__ import annotations

from datetime import UTC, datetime, timedelta

from voc_stream.alerts.detection.charts import scores_of
from voc_stream.alerts.detection.detector import Detector, detector_for
from voc_stream.alerts.detection.distribution import distribution_of
from voc_stream.alerts.detection.hearing import Gates
from voc_stream.alerts.detection.hour_of_week import within_weekdays
from voc_stream.alerts.detection.walking.walk import Checkpoint, Guide, walk
from voc_stream.alerts.detection.weekday_pattern import NO_PATTERN, Pattern

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
BASELINE = distribution_of({4.0: 1, 6.0: 1, 7.0: 1, 8.0: 3, 9.0: 2, 10.0: 2})
GOOD_MONDAYS = dict.fromkeys(range(24), 2.0) | dict.fromkeys(range(24, 7 * 24), -1 / 3)
"""Mondays are two points better than the week, everywhere and at each hour."""


def guide(detector: Detector) -> Guide:
    within = within_weekdays(GOOD_MONDAYS)
    return Guide(
        Gates(0.4, 20),
        lambda moment: GOOD_MONDAYS[moment.weekday() * 24 + moment.hour],
        lambda moment: within[moment.weekday() * 24 + moment.hour],
        lambda _: 500.0,
        lambda _: detector,
    )


def after_mondays(mean: float, pattern: Pattern) -> Detector | None:
    """The detector of a site after eight open hours of a Monday."""
    detector = detector_for(
        BASELINE,
        BASELINE.mean,
        0.1,
        500,
        scores_between_false_alarms=1e6,
        now=MONDAY,
        pattern=pattern,
    )
    hours = [scores_of([mean] * 5, MONDAY + timedelta(hours=hour)) for hour in range(9, 17)]
    start = Checkpoint(MONDAY + timedelta(hours=1), detector)
    return walk(start, hours, MONDAY + timedelta(hours=18), guide(detector))[-1].detector


def test_a_weekday_that_is_better_everywhere_is_taken_off_once() -> None:
    """A site's own weekdays hold what weekdays differ everywhere.

    Taken off twice, a usual Monday looks two points worse than usual.
    """
    own = (2.0, *([-1 / 3] * 6))
    usual = after_mondays(BASELINE.mean + 2.0, own)
    assert usual is not None
    assert usual.fallen is None
    unknown = after_mondays(BASELINE.mean + 2.0, NO_PATTERN)
    assert unknown is not None
    assert unknown.fallen is None


def test_a_bad_day_is_a_drop_whether_or_not_weekdays_are_known() -> None:
    """What a usual Monday has, a bad one lacks."""
    own = (2.0, *([-1 / 3] * 6))
    for pattern in (own, NO_PATTERN):
        bad = after_mondays(BASELINE.mean - 1.0, pattern)
        assert bad is not None
        assert bad.fallen is not None
