"""What comes or goes changes exactly the moments before it whose next one it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.measures.happened_within import Neighbours, WithinMeasure, flips

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

WITHIN = timedelta(days=4)
MEASURE = WithinMeasure("again", "delivered", "visit", WITHIN, 1000, 0)
MOMENTS = [START + timedelta(days=day) for day in range(16)]


def sets_of_moments() -> st.SearchStrategy[set[datetime]]:
    return st.sets(st.sampled_from(MOMENTS), max_size=8)


def neighbours(moment: datetime, moments: Collection[datetime]) -> Neighbours:
    return Neighbours(
        moment in moments,
        max((one for one in moments if one < moment), default=None),
        min((one for one in moments if one > moment), default=None),
    )


def happens(start: datetime, moments: Collection[datetime]) -> bool:
    return any(start < one <= start + WITHIN for one in moments)


@given(sets_of_moments(), sets_of_moments())
def test_each_start_that_changes_is_told_once_and_no_other(
    before: set[datetime], now: set[datetime]
) -> None:
    """Whatever came and went together; an instant more or less than the days counts, too."""
    changed = before | now
    told = [
        found
        for moment in sorted(changed)
        if (found := flips(MEASURE, moment, neighbours(moment, before), neighbours(moment, now)))
    ]
    for day in MOMENTS:
        for start in (day, day - timedelta(microseconds=1), day + timedelta(microseconds=1)):
            was, is_now = happens(start, before), happens(start, now)
            of_this = [flip.happens for flip in told if flip.since <= start < flip.until]
            assert of_this == ([is_now] if was != is_now else [])
