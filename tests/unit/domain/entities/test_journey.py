from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.entities.journey import NEUTRAL, ScoredMoments

if TYPE_CHECKING:
    from random import Random


class Moment(NamedTuple):
    """A score of a journey, ordered as moments are; `least` is the score with a minus."""

    at: datetime
    event_id: str
    stage: int
    least: int
    place: int


SCORES = st.integers(0, 1000)
HOURS = st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))
MOMENTS = st.lists(
    st.builds(
        Moment, HOURS, st.sampled_from("abc"), st.integers(0, 2), st.integers(-1000, 0), st.just(0)
    ),
    max_size=8,
)


def journey(moments: list[Moment]) -> ScoredMoments:
    folded = ScoredMoments()
    for (at, event_id), of_one_event in groupby(
        moments, key=lambda moment: (moment.at, moment.event_id)
    ):
        given = [(moment.stage, -moment.least, moment.place) for moment in of_one_event]
        folded.add(given, at, event_id)
    return folded


def scored(scores: list[int], every: timedelta = timedelta(minutes=1)) -> ScoredMoments:
    return journey(
        [
            Moment(START + place * every, f"e{place:03}", 0, -score, 0)
            for place, score in enumerate(scores)
        ]
    )


@given(MOMENTS, st.randoms())
def test_any_order_of_moments_is_the_same_journey(moments: list[Moment], dice: Random) -> None:
    """Events may arrive in any order, and ask in any order.

    The end is the greatest by time, event id and stage, of one stage the lower score.
    """
    events = [[*theirs] for _, theirs in groupby(sorted(moments), key=lambda one: one[:2])]
    expected = journey([moment for event in events for moment in event])
    dice.shuffle(events)
    for event in events:
        dice.shuffle(event)
    folded = journey([moment for event in events for moment in event])
    assert folded == expected
    assert folded.end == (-max(moments).least if moments else None)


def test_the_order_of_questions_is_not_remembered() -> None:
    """A callback that asks about the wash first says the same as one that asks about it last."""
    reception, wash = (0, 900, 0), (1, 100, 1)
    memories = []
    for asked in ([reception, wash], [wash, reception]):
        folded = ScoredMoments()
        folded.add(asked, START, "c-1")
        memories.append((folded.end, folded.memory))
    assert memories == [(100, 100.0), (100, 100.0)]


@given(st.lists(SCORES, min_size=1, max_size=8))
def test_memory_is_the_mean_of_peak_and_end(scores: list[int]) -> None:
    """The peak is the score farthest from 5, of equals the lower.

    The end is the last one; the mean weighs all alike.
    """
    peak = min(scores, key=lambda score: (-abs(score - NEUTRAL), score))
    folded = scored(scores)
    assert (folded.peak, folded.memory, folded.mean) == (
        peak,
        (peak + scores[-1]) / 2,
        sum(scores) / len(scores),
    )


@given(
    st.lists(SCORES, min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), max_size=5),
)
def test_middling_moments_do_not_change_the_memory(
    scores: list[int], inserted: list[tuple[int, float]]
) -> None:
    """Duration neglect.

    Moments put in before the end and nearer to the neutral score than the peak change nothing
    remembered.
    """
    memory, peak = scored(scores).memory, scored(scores).peak
    assert peak is not None
    longer = list(scores)
    for place, share in inserted:
        reach = abs(peak - NEUTRAL)
        longer.insert(min(place, len(longer) - 1), NEUTRAL + int(share * max(0, reach - 1)))
    assert scored(longer).memory == memory


@given(st.lists(SCORES, min_size=1, max_size=5), st.integers(1, 10_000))
def test_the_duration_of_a_journey_does_not_change_the_memory(
    scores: list[int], minutes: int
) -> None:
    """The same moments farther apart are remembered alike."""
    assert scored(scores, timedelta(minutes=minutes)).memory == scored(scores).memory


def test_a_pleasant_peak_and_end_outweigh_many_bad_moments() -> None:
    """A furniture shop: nine of twenty moments hurt, the peak and the ice cream at the end delight.

    It is remembered as positive.
    """
    folded = scored([300] * 9 + [800] * 9 + [1000, 900])
    assert (folded.peak, folded.end, folded.memory) == (1000, 900, 950)


@pytest.mark.parametrize(
    ("scores", "peak"), [([1000, 0], 0), ([0, 1000], 0), ([501, 499], 499), ([500], 500)]
)
def test_of_equally_far_scores_the_lower_is_the_peak(scores: list[int], peak: int) -> None:
    """A bad moment is remembered rather than a good one as extreme."""
    assert scored(scores).peak == peak


def test_a_journey_without_moments_has_no_memory() -> None:
    """No data is not zero."""
    nothing = ScoredMoments()
    assert (nothing.peak, nothing.end, nothing.memory, nothing.mean) == (None, None, None, None)
