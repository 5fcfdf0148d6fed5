from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from voc_stream.alerts.detection.baseline import Past
from voc_stream.alerts.detection.hour_of_week import hour_of_week, rhythm_of


def test_the_week_begins_on_monday() -> None:
    """168 hours, none of them twice."""
    moments = [
        datetime(2026, 1, 5 + day, hour, 59, tzinfo=UTC) for day in range(7) for hour in range(24)
    ]
    assert [hour_of_week(moment) for moment in moments] == list(range(168))


def test_hours_that_differ_by_chance_only_have_no_rhythm() -> None:
    """Noise is not learnt: of hours with equal true means hardly anything is left."""
    random = Random(3)
    hours = {
        hour: Past(100, 8 + random.gauss(0, 0.2)) for hour in range(168)
    }  # the standard error of 100 scores of deviation 2
    assert max(map(abs, rhythm_of(hours, 4.0).values())) < 0.25


def test_an_hour_that_is_worse_every_week_is_expected_to_be() -> None:
    """With many scores the difference is believed nearly whole."""
    rhythm = rhythm_of(
        {8: Past(400, 6.0), 9: Past(400, 8.0), 10: Past(400, 8.0), 11: Past(400, 8.0)}, 4.0
    )
    assert rhythm[8] == pytest.approx(-1.5, abs=0.05)
    assert rhythm[9] == pytest.approx(0.5, abs=0.05)


def test_nothing_seen_is_no_rhythm() -> None:
    """No data is no difference."""
    assert rhythm_of({}, 4.0) == {}
