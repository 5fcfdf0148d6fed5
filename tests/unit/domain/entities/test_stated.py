from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from builders import START
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.entities.stated import Stated, earliest_time, latest, latest_time, value_of


class Statement(NamedTuple):
    """A value with what orders its statement, in that order."""

    rank: int
    at: datetime
    event_id: str
    value: str | None


MOMENTS = st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours))
STATEMENTS = st.lists(
    st.builds(
        Statement,
        st.integers(0, 1),
        MOMENTS,
        st.sampled_from("abcdef"),
        st.none() | st.sampled_from("xyz"),
    ),
    max_size=6,
    unique_by=lambda statement: statement.event_id,
)


def stated(statements: list[Statement]) -> Stated[str] | None:
    current: Stated[str] | None = None
    for rank, at, event_id, value in statements:
        current = latest(current, value, at, event_id, rank)
    return current


@given(STATEMENTS.flatmap(st.permutations))
def test_any_order_of_statements_ends_with_the_greatest(statements: list[Statement]) -> None:
    """Of the statements that carry a value, the one with the greatest rank counts.

    Then moment and event id decide, whatever came first.
    """
    greatest = max((one for one in statements if one.value is not None), default=None)
    assert value_of(stated(statements)) == (None if greatest is None else greatest.value)


@given(STATEMENTS)
def test_repeated_statements_change_nothing(statements: list[Statement]) -> None:
    """The same statements again end with the same one."""
    assert stated([*statements, *statements]) == stated(statements)


@given(st.lists(MOMENTS, min_size=1, max_size=5))
def test_times_are_the_least_and_the_greatest(moments: list[datetime]) -> None:
    """An unknown time gives way to any."""
    earliest: datetime | None = None
    last: datetime | None = None
    for moment in moments:
        earliest, last = earliest_time(earliest, moment), latest_time(last, moment)
    assert (earliest, last) == (min(moments), max(moments))
