"""Holds the orders in the workshop as rules judge them, with how long they have stood there."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue

MINUTE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(minutes=10)
"""How long a site at work may finish nothing (assumption).

A longer pause counts as much as this, whether it is a slack hour or a night.
"""


class OpenOrder(NamedTuple):
    """A repair order that has not been delivered.

    Attributes:
        order_id: the order.
        site_id: the shop.
        product: as stated latest.
        stage: that of the latest step.
        entered_at: when it entered that stage; None if it has left it again, or was never seen
            to enter.
        promised_at: as stated latest.
    """

    order_id: str
    site_id: str
    product: str | None
    stage: str
    entered_at: datetime | None
    promised_at: datetime | None

    def minutes_in_stage(self, now: datetime) -> float | None:
        """How long it has been in its stage; None if it is not known to be in it."""
        return None if self.entered_at is None else (now - self.entered_at).total_seconds() / 60


def working_minutes(
    since: datetime, now: datetime, active: Sequence[datetime], enough: float = math.inf
) -> float:
    """For how many minutes since a moment a site was at work.

    Nobody can say when a site closes, but then it finishes nothing.

    Args:
        since: when it begins to count.
        now: when it ends.
        active: ascending, when the site is known to have finished something; at least as often as
            every five minutes if it did.
        enough: minutes beyond which it need not be counted on.

    >>> from datetime import UTC, datetime
    >>> evening = datetime(2026, 1, 5, 17, 55, tzinfo=UTC)
    >>> morning = datetime(2026, 1, 6, 8, 5, tzinfo=UTC)
    >>> last, first = datetime(2026, 1, 5, 18, tzinfo=UTC), datetime(2026, 1, 6, 8, tzinfo=UTC)
    >>> working_minutes(evening, morning, [last, first])
    20.0
    """
    minutes = 0.0
    for earlier, later in pairwise(
        [since, *active[bisect_right(active, since) : bisect_left(active, now)], now]
    ):
        minutes += min(later - earlier, LONGEST_PAUSE) / MINUTE
        if minutes > enough:
            break
    return minutes


def stage_label(catalogue: Catalogue, stage: str) -> tuple[str, str]:
    """The stage in English and Chinese; its key if the catalogue does not name it."""
    label = catalogue.flow.stages.get(stage)
    return (stage, stage) if label is None else (label.en, label.zh)
