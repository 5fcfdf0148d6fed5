from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.alerts.detection.charts import Scores, scores_of
from voc_stream.alerts.detection.detector import (
    FEWEST_SCORES,
    Detector,
    announce,
    detector_for,
    feed,
    has_recovered,
    is_calm,
    start_anew,
    suspicion,
)
from voc_stream.alerts.detection.distribution import distribution_of

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
BASELINE = distribution_of(
    {0.0: 1, 2.0: 1, 3.0: 1, 4.0: 1, 5.0: 3, 6.0: 4, 7.0: 10, 8.0: 20, 9.0: 22, 10.0: 37}
)


def detector() -> Detector:
    return detector_for(BASELINE, BASELINE.mean, 0.1, 500, scores_between_false_alarms=1e6, now=NOW)


def after(scores: int, mean: float, before: Detector | None = None) -> Detector:
    return feed(before or detector(), scores_of([mean] * scores, NOW))


def test_usual_scores_are_calm() -> None:
    """What is usual raises no suspicion, and the baseline may be renewed."""
    usual = after(200, BASELINE.mean)
    assert is_calm(usual)
    assert suspicion(usual, 0.4) is None


def test_a_drop_is_suspected_with_its_size_and_interval() -> None:
    """Fifty scores two points lower.

    Above the threshold, with the drop inside its interval, since the first of them.
    """
    found = suspicion(after(50, BASELINE.mean - 2), 0.4)
    assert found is not None
    assert found.margin > 0
    assert found.scores == 50
    assert found.drop == pytest.approx(2)
    assert found.low < 2 < found.high
    assert found.since == NOW
    assert not is_calm(after(50, BASELINE.mean - 2))


def test_the_interval_is_as_wide_as_the_scores_that_fell_are_apart() -> None:
    """Half of the customers furious and half content tell less for sure than content ones.

    Alike scores tell no more.
    """
    apart, alike = (
        feed(detector(), scores_of([0.0, 10.0] * 30, NOW)),
        feed(detector(), scores_of([5.0] * 60, NOW)),
    )
    widths = [
        found.high - found.low
        for each in (apart, alike)
        if (found := suspicion(each, 0.4)) is not None
    ]
    # 25 * 60 / 59 is the variance of the first ones, 0.1 the standard error of the baseline.
    assert widths == [
        pytest.approx(2 * 1.959964 * math.sqrt(variance / 60 + 0.1**2))
        for variance in (25 * 60 / 59, BASELINE.variance)
    ]


def test_few_scores_are_no_suspicion_however_low() -> None:
    """The gate counts scores since the chart last stood at zero."""
    assert suspicion(after(FEWEST_SCORES - 1, 0), 0.4) is None
    assert suspicion(after(FEWEST_SCORES, 0), 0.4) is not None


def test_a_drop_that_is_too_small_to_matter_is_none() -> None:
    """However sure it is: the catalogue says how many points are worth an alert."""
    slid = after(3000, BASELINE.mean - 0.6)
    assert suspicion(slid, 0.5) is not None
    assert suspicion(slid, 1.0) is None


def test_recovery_needs_evidence_and_enough_scores() -> None:
    """A drop is over after enough scores; not while the scores stay low.

    As many as an alert needs and as it was announced by, up to a limit.
    """
    found = suspicion(after(50, BASELINE.mean - 2), 0.4)
    assert found is not None
    fallen = announce(after(50, BASELINE.mean - 2), found.chart)
    assert not has_recovered(after(500, BASELINE.mean - 2, fallen), 20)
    assert not has_recovered(after(49, BASELINE.mean, fallen), 20)
    assert has_recovered(after(50, BASELINE.mean, fallen), 20)
    assert not has_recovered(after(99, BASELINE.mean, fallen), 100)
    long = announce(after(500, BASELINE.mean - 2), found.chart)
    assert has_recovered(after(100, BASELINE.mean, long), 20)
    assert is_calm(start_anew(after(50, BASELINE.mean, fallen)))


@given(st.lists(st.integers(0, 10), min_size=1, max_size=40))
def test_hearing_nothing_changes_nothing(scores: list[int]) -> None:
    """Time alone neither raises nor lowers a suspicion."""
    state = detector()
    for score in scores:
        state = feed(state, scores_of([score], NOW))
    assert feed(state, scores_of([], NOW + timedelta(days=9))) == state


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 10))
def test_what_is_taken_back_leaves_no_trace_while_the_sum_stays_above_zero(
    scores: list[int], wrong: int
) -> None:
    """A correction undoes what it corrects."""
    state = detector()
    for score in scores:
        state = feed(state, scores_of([score], NOW))
    twice = feed(
        feed(state, scores_of([min(wrong, 3)], NOW)),
        Scores(-1, -min(wrong, 3), -(min(wrong, 3) ** 2), NOW),
    )
    assert [each.value for each in twice.sums] == pytest.approx([each.value for each in state.sums])


def test_a_watch_survives_being_stored() -> None:
    """What is written to its row is read back the same."""
    state = after(50, BASELINE.mean - 2)
    assert msgspec.json.decode(msgspec.json.encode(state), type=Detector) == state
