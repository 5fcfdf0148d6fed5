"""Computes how much of the logs waits to be taken in.

It is the one place that compares the ends of logs with positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.pipeline.ports import Partition


def lags(ends: Mapping[Partition, int], positions: Mapping[Partition, int]) -> dict[Partition, int]:
    """How many messages wait in each partition whose end is known.

    A partition without a position waits from its beginning. If its end lies before its position,
    the end was measured before the position moved: nothing waits.

    >>> lags({"a": 12, "b": 5, "c": 7}, {"a": 10, "b": 6, "d": 3})
    {'a': 2, 'b': 0, 'c': 7}
    """
    return {partition: max(0, end - positions.get(partition, 0)) for partition, end in ends.items()}
