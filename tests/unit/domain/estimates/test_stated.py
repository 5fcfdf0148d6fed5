"""What few customers state does not decide for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.intervals import stated_or

from voc_stream.domain.estimates.stated import stated_mean

STATED = st.lists(st.integers(0, 1000), max_size=200)


@given(STATED, st.none() | st.floats(0, 10))
def test_stated_means_are_those_of_the_oracle(stated: list[int], catalogue: float | None) -> None:
    """Whatever was stated, and whether the catalogue says anything."""
    expected = stated_or(sum(stated), len(stated), catalogue)
    found = stated_mean(len(stated), sum(stated) / 100, catalogue)
    assert found is None if expected is None else found == pytest.approx(expected)


def test_one_of_two_hundred_does_not_decide() -> None:
    """Who expects nothing moves an expectation of 8 by less than half a point; many do move it."""
    assert stated_mean(1, 0.0, 8.0) == pytest.approx(8 - 8 / 21)
    assert stated_mean(400, 400 * 6.0, 8.0) == pytest.approx(6.1, abs=0.01)
