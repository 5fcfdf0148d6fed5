"""Adds up rows of integers that have the same key, exactly, whatever their size.

What comes out is narrow: a sum of what a few people said fits a byte, and many rows wait at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Ints = NDArray[np.signedinteger[Any]]
"""Integers of 8 to 64 bits."""
Sum = NDArray[Any]
"""Integers of 64 bits or fewer, or of any size as Python has them."""
_WIDTHS = (np.int8, np.int16, np.int32)
_WIDEST = 2**62
_EXACT_IN_FLOATS = 2**53
_FEW = 2**16


def group(
    keys: Sequence[Ints], adds: Mapping[str, Callable[[], Sum]]
) -> tuple[list[Ints], dict[str, Sum]]:
    """The distinct keys, and what each of them adds up to.

    The columns to be added up are made one at a time, so that one at a time is in memory.

    >>> keys, sums = group([np.array([7, 5, 7])], {"n": lambda: np.array([1, 1, -3])})
    >>> keys[0].tolist(), sums["n"].tolist(), sums["n"].itemsize
    ([5, 7], [1, -2], 1)
    """
    rows = len(keys[0])
    if not rows:
        return list(keys), {name: add() for name, add in adds.items()}
    key, span = combined(keys)
    if span <= 4 * rows + _FEW:  # few possible keys: no sorting
        present = np.flatnonzero(np.bincount(key, minlength=span))
        example = np.empty(span, np.int64)
        example[key] = np.arange(rows)
        chosen = example[present]
        sums = {name: narrow(_added(key, add(), span)[present]) for name, add in adds.items()}
    else:
        _, chosen, place = np.unique(key, return_index=True, return_inverse=True)
        sums = {name: narrow(_added(place, add(), len(chosen))) for name, add in adds.items()}
    return [narrow(each[chosen]) for each in keys], sums


def narrow(column: Sum) -> Sum:
    """The same integers, each in as few bytes as all of them need."""
    if len(column) and column.dtype != object:
        least, most = int(column.min()), int(column.max())
        for width in _WIDTHS:
            if np.iinfo(width).min <= least and most <= np.iinfo(width).max:
                return column.astype(width, copy=False)
    return column


def combined(keys: Sequence[Ints]) -> tuple[Ints, int]:
    """One integer from 0 on for each row, the same for rows of the same keys, and its span."""
    key, span = _from_zero(keys[0])
    for each in keys[1:]:
        further, further_span = _from_zero(each)
        if span * further_span >= _WIDEST:
            key = np.unique(key, return_inverse=True)[1]
            span = int(key.max()) + 1
            further = np.unique(further, return_inverse=True)[1]
            further_span = int(further.max()) + 1
        key, span = key * further_span + further, span * further_span
    return key, span


def _from_zero(column: Ints) -> tuple[Ints, int]:
    if not len(column):
        return column, 1
    least, most = int(column.min()), int(column.max())
    if most - least + 1 >= _WIDEST:
        column = np.unique(column, return_inverse=True)[1]
        least, most = 0, int(column.max())
    return np.subtract(column, least, dtype=np.int64), most - least + 1


def _added(place: Ints, column: Sum, size: int) -> Sum:
    """The sum at each place. Floats are fastest, and exact as long as sums stay small."""
    largest = max(abs(int(column.max())), abs(int(column.min()))) * len(column)
    if not largest:  # such as what was expected, if nobody said so
        return np.zeros(size, np.int64)
    if largest < _EXACT_IN_FLOATS:
        return np.bincount(place, column.astype(np.float64), size).astype(np.int64)
    total: Sum = np.zeros(size, np.int64 if largest < _WIDEST else object)
    np.add.at(total, place, column.astype(total.dtype))
    return total
