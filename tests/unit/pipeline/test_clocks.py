from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from voc_stream.pipeline.clocks import (
    LARGEST_LEAP,
    LARGEST_SKEW,
    ClockReading,
    disagreement,
    leap,
    needs_rebuild,
    stored_problem,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def reading(
    skew: timedelta = timedelta(0),
    round_trip: timedelta = timedelta(0),
    refreshed: datetime | None = None,
    evaluated: datetime | None = None,
    heard: datetime | None = None,
) -> ClockReading:
    return ClockReading(NOW + skew, NOW, 0.0, round_trip, refreshed, evaluated, heard)


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_may_differ_by_five_minutes(sign: int) -> None:
    """Up to that no event that is true is refused.

    Beyond, the sentence names the clock that is ahead or behind.
    """
    assert disagreement(sign * LARGEST_SKEW) is None
    assert ("ahead of" if sign > 0 else "behind") in (
        disagreement(sign * (LARGEST_SKEW + INSTANT)) or ""
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_slow_answer_proves_no_difference(sign: int) -> None:
    """Within the round trip nobody knows when the server looked at its clock."""
    assert reading(
        skew=sign * timedelta(seconds=10), round_trip=timedelta(seconds=20)
    ).skew == timedelta(0)
    assert reading(
        skew=sign * timedelta(seconds=11), round_trip=timedelta(seconds=20)
    ).skew == sign * timedelta(seconds=1)


def test_a_stored_time_ahead_of_now_is_a_problem() -> None:
    """That of the refresh and that of the evaluation alike.

    Before the first of either there is none.
    """
    assert stored_problem(reading()) is None
    assert stored_problem(reading(refreshed=NOW + LARGEST_SKEW, evaluated=NOW)) is None
    for found in (
        reading(refreshed=NOW + timedelta(hours=1)),
        reading(evaluated=NOW + timedelta(days=500)),
    ):
        assert "the next refresh mends it" in (stored_problem(found) or "")
        assert not needs_rebuild(found)


def test_beyond_what_panes_have_to_spare_only_a_rebuild_helps() -> None:
    """Up to the instant, the refresh mends it by itself."""
    assert not needs_rebuild(reading(refreshed=NOW + LARGEST_LEAP))
    found = reading(refreshed=NOW + LARGEST_LEAP + INSTANT)
    assert needs_rebuild(found)
    assert "voc-stream rebuild" in (stored_problem(found) or "")


def test_a_leap_is_believed_where_an_event_is_of_that_time() -> None:
    """A clock that shows another year for a moment must not empty the horizons.

    A stop over a long weekend is none.
    """
    before = NOW - timedelta(days=500)
    assert leap(reading()) is None
    assert leap(reading(refreshed=NOW - LARGEST_LEAP)) is None
    assert leap(reading(refreshed=before)) == NOW - before
    assert leap(reading(refreshed=before, heard=before)) == NOW - before
    assert leap(reading(refreshed=before, heard=NOW - LARGEST_LEAP)) is None
    assert leap(reading(refreshed=before, heard=NOW - LARGEST_LEAP - INSTANT)) == NOW - before
