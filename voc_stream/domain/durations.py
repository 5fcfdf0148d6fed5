"""Declares buckets that are narrow for their size, in which durations are counted.

Counts can be added and taken back. So a percentile of any days is right up to its bucket: within
2.5 %, whatever the shape.
"""

from __future__ import annotations

_PART = 20
"""A bucket is as wide as a twentieth of its lower edge, or a hundredth of a minute."""
_LONGEST = 2**31 - 1


def _edges() -> tuple[int, ...]:
    edges, edge = [0], 1
    while edge <= _LONGEST:
        edges.append(edge)
        edge += max(1, edge // _PART)
    return tuple(edges)


EDGES = _edges()
"""The lower edge of each bucket, in hundredths of a minute; whole numbers, so that all agree."""
MIDDLES = tuple(
    (low + (high - 1)) / 200 for low, high in zip(EDGES, (*EDGES[1:], _LONGEST), strict=True)
)
"""What a bucket stands for, in minutes: the middle of the values that it holds."""
SHARES = (50, 90, 95)
"""The percentiles that are shown, in percent."""
