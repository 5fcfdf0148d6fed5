from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voc_stream.events.types.fields import MAXIMUM_AMOUNT
from voc_stream.events.types.hundredths import hundredths


def exactly(value: float) -> int:
    return int(Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)


@given(st.floats(0, MAXIMUM_AMOUNT))
@example(1.005)
@example(0.285)
@example(999999999999.995)
@example(MAXIMUM_AMOUNT)
def test_agrees_with_decimal_on_any_number(value: float) -> None:
    """The fast way rounds as the decimal text of the number does."""
    assert hundredths(value) == exactly(value)


@given(st.integers(0, 10**14), st.integers(0, 3))
def test_agrees_with_decimal_at_halves_of_a_hundredth(count: int, decimals: int) -> None:
    """Numbers written with few decimals are the common ones.

    They are also the ones that binary fractions miss.
    """
    value = (count * 10 + 5) / 10 ** (decimals + 1)
    if value <= MAXIMUM_AMOUNT:
        assert hundredths(value) == exactly(value)


@given(st.floats(-1e6, 1e6))
def test_rounds_halves_away_from_zero(value: float) -> None:
    """A negative number is the mirror image of its positive one."""
    assert hundredths(-value) == -hundredths(value)


@pytest.mark.parametrize(
    ("value", "error"),
    [(math.nan, ValueError), (math.inf, OverflowError), (-math.inf, OverflowError)],
)
def test_what_is_no_number_raises(value: float, error: type[Exception]) -> None:
    """No sum ever holds a NaN or an infinity."""
    with pytest.raises(error):
        hundredths(value)
