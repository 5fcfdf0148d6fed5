from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.postgres.increments.grouping import group

SMALL = st.integers(-3, 3)
KEYS = SMALL | st.integers(-(2**62), 2**62)
VALUES = SMALL | st.integers(-(2**63) + 1, 2**63 - 1)
ROWS = st.lists(st.tuples(KEYS, KEYS, KEYS, VALUES))


@given(ROWS)
def test_sums_are_exact_whatever_their_size(rows: list[tuple[int, int, int, int]]) -> None:
    """Keys may be dense or far apart; sums may need more than 64 bits, and are then as exact."""
    expected: dict[tuple[int, int, int], int] = defaultdict(int)
    for *key, value in rows:
        expected[key[0], key[1], key[2]] += value
    columns = [np.array([row[place] for row in rows], np.int64) for place in range(4)]
    keys, sums = group(columns[:3], {"n": lambda: columns[3]})
    found = zip(*(column.tolist() for column in keys), strict=True)
    assert dict(zip(found, sums["n"].tolist(), strict=True)) == expected
