from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.simulator.clock import OPEN_SECONDS, WorkshopClock

WORKING = st.floats(-60 * OPEN_SECONDS, 60 * OPEN_SECONDS)
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds it


@given(STARTS, WORKING, WORKING)
def test_time_never_goes_back(start: datetime, first: float, second: float) -> None:
    """What is earlier in the story is not later in the tables.

    So promises that are kept in the story are kept there, too.
    """
    clock = WorkshopClock(start, speed=600)
    earlier, later = sorted((first, second))
    assert clock.moment(earlier) <= clock.moment(later)


@given(STARTS, st.floats(-60 * OPEN_SECONDS, -0.01))
def test_in_the_history_shops_are_open_by_day(start: datetime, working: float) -> None:
    """Nothing of the history happens at night, nor after the start."""
    moment = WorkshopClock(start, speed=600).moment(working)
    assert moment <= start
    assert (
        moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)
    ).total_seconds() <= OPEN_SECONDS


@pytest.mark.parametrize(("hour", "expected"), [(5, timedelta(hours=1)), (12, timedelta(hours=3))])
def test_history_ends_at_the_start_or_at_closing_time(hour: int, expected: timedelta) -> None:
    """An hour of work before the start is an hour before it, or before the shops closed at ten."""
    start = datetime(2025, 3, 1, hour, tzinfo=UTC)
    assert start - WorkshopClock(start, speed=600).moment(-3600) == expected


def test_the_live_part_is_compressed() -> None:
    """A working day takes a minute at speed 600, and live seconds count from the start."""
    clock = WorkshopClock(datetime(2025, 3, 1, 12, tzinfo=UTC), speed=600)
    assert clock.live_seconds(OPEN_SECONDS) == 60
    assert clock.live_seconds(-3600) < 0


@given(STARTS, WORKING)
def test_promises_are_on_the_quarter(start: datetime, working: float) -> None:
    """A promise is at most a quarter of an hour after what was planned.

    It is on a quarter by the clock.
    """
    clock = WorkshopClock(start, speed=600)
    promise = clock.next_quarter(working)
    assert -1e-3 <= promise - working < 900 + 1e-3
    if promise < 0:
        assert clock.moment(promise).minute % 15 == 0
