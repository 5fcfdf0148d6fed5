from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.kafka.worker.pace import LONGEST_REST_SECONDS, Pace


@given(
    durations=st.lists(st.floats(0.001, 100), min_size=2, max_size=20), interval=st.floats(0.1, 10)
)
def test_work_takes_at_most_a_tenth_of_the_time_while_events_wait(
    durations: list[float], interval: float
) -> None:
    """The stream has nine times as long before the next run, but not for ever.

    And work never runs faster than its interval.
    """
    pace, now = Pace(interval), 0.0
    for duration in durations:
        assert pace.is_due(now, events_wait=True)
        pace.ran(now, now + duration)
        following = max(now + interval, now + duration + min(LONGEST_REST_SECONDS, 9 * duration))
        assert not pace.is_due(following - 1e-3, events_wait=True)
        now = following + 1e-6


@given(duration=st.floats(0.001, 100), interval=st.floats(0.1, 10))
def test_a_backlog_of_work_is_done_without_rest_when_no_event_waits(
    duration: float, interval: float
) -> None:
    """With nothing to disturb, work that takes longer than its interval goes on at once."""
    pace = Pace(interval)
    pace.ran(0.0, duration)
    assert pace.is_due(max(interval, duration), events_wait=False)
