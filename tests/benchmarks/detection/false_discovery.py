"""Decides which charts to believe if many scopes are judged at once.

The tables that compare detectors judge so. The product judges each key alone: the decision record
about detectors that are caches says why. So its alarms are never earlier than those of the tables.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from voc_stream.domain.statistics import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence


def believe(margins: Sequence[float]) -> list[bool]:
    """Which charts are believed (Benjamini and Hochberg 1995).

    `margins` are in nats above the threshold at which one chart alone would be believed. A chart's
    sum exceeds s by chance with a probability proportional to exp(-s). So if k scopes fall
    together, the k-th needs ln k less.

    >>> believe([0.1, -0.5, -0.6]), believe([-0.1, -0.8, -3.0])
    ([True, True, True], [False, False, False])
    """
    return benjamini_hochberg([math.exp(-margin) / max(1, len(margins)) for margin in margins], 1.0)
