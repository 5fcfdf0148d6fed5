"""Values fall into the bins and buckets that the oracle says."""

from __future__ import annotations

from typing import Any, cast

import pytest
from builders import START
from hypothesis import given
from hypothesis import strategies as st
from oracle.satisfaction import histogram_bin

from voc_stream.domain.contribution import Contribution
from voc_stream.domain.dimensions import COLUMNS
from voc_stream.domain.durations import EDGES
from voc_stream.events.types.base import Measure
from voc_stream.postgres.increments.encoding import increment_of
from voc_stream.postgres.increments.measures import Measures
from voc_stream.postgres.increments.world import World

UNITS = {"wait": "minutes", "share": "percent", "visits": "count"}
EDGE_VALUES = [99, 100, 499, 500, 899, 900, 999, 1000, 1999, 2000, 255_999, 256_000]


def measures_of(*measures: Measure) -> Measures:
    """Unpacked, in a world that knows the units."""
    world = World(cast("Any", None), START)
    world.units = UNITS
    contribution = Contribution(START, ("",) * len(COLUMNS), 1, measures)
    return Measures([increment_of([contribution])], world)


@given(st.lists(st.integers(0, 10_000_000) | st.sampled_from(EDGE_VALUES), min_size=1))
@pytest.mark.parametrize("experience", ["overall", *UNITS])
def test_a_value_falls_into_the_bin_of_its_unit(experience: str, values: list[int]) -> None:
    """Floors of scores and counts, doubling minutes, percent in steps of 20; open above."""
    unit = UNITS.get(experience, "score")
    found = measures_of(*[Measure(experience, value) for value in values]).bin
    assert found.tolist() == [histogram_bin(value, unit) for value in values]


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1))
def test_a_duration_falls_into_the_bucket_whose_lower_edge_it_reaches(values: list[int]) -> None:
    """A bucket is known by its number, from 0 on."""
    found = measures_of(*[Measure("wait", value) for value in values]).bucket.tolist()
    for value, bucket in zip(values, found, strict=True):
        assert EDGES[bucket] <= value
        assert bucket + 1 == len(EDGES) or value < EDGES[bucket + 1]
