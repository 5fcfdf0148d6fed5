"""Says how long to wait before something that failed is tried again.

The pause is twice as long each time, up to a bound.
"""

from __future__ import annotations

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
_MOST_DOUBLINGS = 10


def retry_pause_seconds(retries: int) -> float:
    """The pause before the next try, given how many tries were repeated already.

    >>> [retry_pause_seconds(retries) for retries in (0, 1, 2, 100)]
    [0.1, 0.2, 0.4, 5.0]
    """
    return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(retries, _MOST_DOUBLINGS))
