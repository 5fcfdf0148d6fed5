"""Converts scores and amounts to whole hundredths: sums are exact, and can be subtracted again."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from math import floor

from voc_stream.events.types.fields import MAXIMUM_AMOUNT

# Up to MAXIMUM_AMOUNT a hundredfold is off by less than 0.03: the exact way is needed only near a
# half.
_SURELY_BELOW_HALF = 0.4
_SURELY_ABOVE_HALF = 0.6


@lru_cache(maxsize=4096)  # there are few different scores, and each is needed several times
def hundredths(value: float) -> int:
    """`value` in hundredths, rounded half up (away from zero) as its shortest decimal text says.

    >>> hundredths(1.005), hundredths(7.125), hundredths(8.0)
    (101, 713, 800)

    Raises:
        ValueError: `value` is not a number.
        OverflowError: `value` is infinite.
    """
    if 0 <= value <= MAXIMUM_AMOUNT:
        hundredfold = value * 100
        whole = floor(hundredfold)
        rest = hundredfold - whole
        if rest < _SURELY_BELOW_HALF:
            return whole
        if rest > _SURELY_ABOVE_HALF:
            return whole + 1
    return int((Decimal(repr(value)) * 100).to_integral_value(ROUND_HALF_UP))
