from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voc_stream.kafka.pace import Pace


@given(durations=st.lists(st.floats(0.001, 100), min_size=2, max_size=20), interval=st.floats(0.1, 10))
def test_work_takes_at_most_a_tenth_of_the_time_and_runs_no_faster_than_its_interval(durations: list[float], interval: float) -> None:
    """However slow it gets, the rest of the worker has nine times as long before the next run."""
    pace, now = Pace(interval), 0.0
    for duration in durations:
        assert pace.is_due(now)
        pace.ran(now, now + duration)
        assert not pace.is_due(now + duration + min(8.9 * duration, 0.0))
        following = max(now + interval, now + duration + 9 * duration)
        assert not pace.is_due(following - 1e-3)
        now = following + 1e-6
