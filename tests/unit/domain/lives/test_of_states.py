from __future__ import annotations

import pytest
from builders import at, message, touchpoint

from voc_stream.domain.churn.facts import MOST_EVENTS
from voc_stream.domain.lives.of_states import latest_events
from voc_stream.events.decode import decode_stored


@pytest.mark.parametrize(
    ("earlier", "of_one_moment", "found"),
    [
        (0, 0, MOST_EVENTS - 1),
        (0, 1, MOST_EVENTS),
        (0, 3, MOST_EVENTS + 2),
        (5, 0, MOST_EVENTS),
        (5, 3, MOST_EVENTS + 2),
        (5, 1, MOST_EVENTS),
    ],
)
def test_the_latest_events_end_with_a_whole_moment(
    earlier: int, of_one_moment: int, found: int
) -> None:
    """Which of those of one moment count is not by chance, so all do."""
    hours = [*range(-earlier, 0), *[0] * of_one_moment, *range(1, MOST_EVENTS)]
    events = [
        decode_stored(message(touchpoint(f"t-{number:04}", occurred_at=at(hours=hour))), {})
        for number, hour in enumerate(hours)
    ]
    assert latest_events(events) == events[::-1][:found]
