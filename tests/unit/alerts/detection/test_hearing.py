from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from voc_stream.alerts.detection.charts import scores_of
from voc_stream.alerts.detection.detector import Detector, detector_for, suspicion
from voc_stream.alerts.detection.distribution import distribution_of
from voc_stream.alerts.detection.hearing import Gates, hear
from voc_stream.alerts.detection.weekday_pattern import NO_PATTERN, Pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 1, 5, tzinfo=UTC)
BASELINE = distribution_of({4.0: 1, 6.0: 1, 7.0: 1, 8.0: 3, 9.0: 2, 10.0: 2})
GATES = Gates(0.4, 20)


def detector(pattern: Pattern = NO_PATTERN) -> Detector:
    return detector_for(
        BASELINE, BASELINE.mean, 0.1, 500, scores_between_false_alarms=1e6, now=NOW, pattern=pattern
    )


def heard(state: Detector, hours: Sequence[tuple[int, Sequence[float]]]) -> Detector:
    for hour, scores in hours:
        state = hear(state, scores_of(scores, NOW + timedelta(hours=hour)), GATES)
    return state


def test_a_drop_is_noted_with_its_hour_and_its_end() -> None:
    """Fallen since the hour that announced it; recovered at the hour that ended it."""
    bad = [(hour, [4.0] * 12) for hour in range(4)]
    fallen = heard(detector(), bad)
    assert fallen.fallen_at == NOW + timedelta(hours=1)
    usual = Random(1)
    good = [(hour, usual.choices(BASELINE.values, BASELINE.shares, k=12)) for hour in range(4, 20)]
    over = heard(fallen, good)
    assert over.fallen is None
    assert over.fallen_at is None
    assert over.recovered_at is not None
    assert over.recovered_at > NOW + timedelta(hours=3)


def test_too_few_scores_in_seven_days_announce_nothing() -> None:
    """`minimum_samples` counts the scores of seven days up to the hour, not those before."""
    assert heard(detector(), [(0, [0.0] * 12)]).fallen is None
    assert heard(detector(), [(0, [0.0] * 12), (7 * 24, [0.0] * 12)]).fallen is None
    assert heard(detector(), [(0, [0.0] * 12), (6 * 24, [0.0] * 12)]).fallen is not None


def test_a_drop_of_one_site_is_not_told_of_all() -> None:
    """It is told of all as soon as others fall, too."""
    hour = scores_of([3.0] * 40, NOW)
    assert hear(detector(), hour, GATES, is_of_one_site=lambda *_: True).fallen is None
    assert hear(detector(), hour, GATES, is_of_one_site=lambda *_: False).fallen is not None


def test_a_usual_bad_weekday_is_no_drop() -> None:
    """The site's own pattern and the hour's usual difference are taken off."""
    bad_mondays = detector(pattern=(-3.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5))
    hour = scores_of([BASELINE.mean - 3.0] * 40, NOW)
    assert hear(detector(), hour, GATES).fallen is not None
    assert hear(bad_mondays, hour, GATES).fallen is None
    assert hear(detector(), hour, GATES, usual_difference=-3.0).fallen is None


def test_hearing_an_open_hour_afresh_is_hearing_it_whole() -> None:
    """What is known of an open hour leaves no trace once more of it is known."""
    before = heard(detector(), [(hour, [7.0] * 5) for hour in range(5)])
    whole = hear(before, scores_of([4.0, 9.0, 9.0], NOW + timedelta(hours=5)), GATES)
    hear(before, scores_of([4.0], NOW + timedelta(hours=5)), GATES)
    assert hear(before, scores_of([4.0, 9.0, 9.0], NOW + timedelta(hours=5)), GATES) == whole


@pytest.mark.parametrize("phi", [1.0, 3.0])
def test_the_interval_of_a_drop_is_wider_by_the_root_of_phi(phi: float) -> None:
    """Alike scores say less about how far the mean has fallen."""
    found = suspicion(
        hear(
            detector_for(
                BASELINE, BASELINE.mean, 0.0, 500, scores_between_false_alarms=1e6, now=NOW, phi=phi
            ),
            scores_of([4.0] * 50, NOW),
            Gates(0.4, 1000),
        ),
        0.4,
    )
    assert found is not None
    half = 1.959964 * (BASELINE.variance * phi / 50) ** 0.5
    assert (found.drop - found.low, found.high - found.drop) == pytest.approx((half, half))
