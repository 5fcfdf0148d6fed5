from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.domain.contribution import Contribution
from voc_stream.domain.dimensions import COLUMNS
from voc_stream.events.types.base import Measure
from voc_stream.postgres.increments.encoding import (
    NOT_STATED,
    increment_of,
    pack,
    unpack_column,
    unpack_whole,
)

INTEGERS = st.integers(-(2**63), 2**63 - 1)
MEASURES = st.builds(
    Measure,
    st.sampled_from(["overall", "recommendation", "stage_minutes.wash"]),
    st.integers(-5, 2**40),
    st.none() | st.integers(0, 1000),
    st.none() | st.integers(0, 1000),
)
CONTRIBUTIONS = st.builds(
    Contribution,
    st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  the strategy adds UTC
    st.tuples(*[st.text(max_size=3)] * len(COLUMNS)),
    st.sampled_from([1, -1]),
    st.lists(MEASURES, max_size=4).map(tuple),
)


@given(st.lists(INTEGERS))
def test_a_column_holds_any_integers_of_64_bits(values: list[int]) -> None:
    """Whatever the width that it takes."""
    assert unpack_column(pack(values)) == values


def test_a_column_says_what_it_cannot_hold() -> None:
    """Such a value is refused before anything is written: no sum is ever wrong in silence."""
    with pytest.raises(OverflowError, match="64 bits"):
        pack([1, 2**63])


@given(st.lists(CONTRIBUTIONS, max_size=6))
def test_an_increment_says_all_that_contributions_say(given_: list[Contribution]) -> None:
    """But for the fractions of their seconds, which no sum depends on."""
    one = unpack_whole(increment_of(given_))
    dimensions = list(
        zip(
            *(
                [names[number] for number in unpack_column(numbers)]
                for names, numbers in zip(one.names, one.dimensions, strict=True)
            ),
            strict=True,
        )
    )
    stated = {
        place: tuple(None if value == NOT_STATED else value for value in pair)
        for place, *pair in zip(
            *map(unpack_column, (one.stated, one.expectations, one.importances)), strict=True
        )
    }
    measures = iter(
        Measure(one.experiences[number], value, *stated.get(place, (None, None)))
        for place, (number, value) in enumerate(
            zip(unpack_column(one.measured), unpack_column(one.values), strict=True)
        )
    )
    found = [
        Contribution(
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second),
            dimensions[place],
            weight,
            tuple(next(measures) for _ in range(count)),
        )
        for place, (second, weight, count) in enumerate(
            zip(*map(unpack_column, (one.seconds, one.weights, one.counts)), strict=True)
        )
    ]
    assert found == [each._replace(moment=each.moment.replace(microsecond=0)) for each in given_]
