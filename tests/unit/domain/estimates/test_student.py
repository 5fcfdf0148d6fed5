"""The points of Student's t are those of the oracle, which computes them in another way."""

from __future__ import annotations

import pytest
from oracle.student import t_quantile

from voc_stream.domain.estimates.student import student_t_975


@pytest.mark.parametrize("freedom", [*range(1, 61), 100, 300, 301, 10_000])
def test_points_are_those_of_the_oracle(freedom: int) -> None:
    """To eight digits, in the table and beyond it."""
    assert student_t_975(freedom) == pytest.approx(t_quantile(freedom), rel=2e-8)
