"""Says when an hour is settled, and from when on hours are heard.

An hour is settled once the hour after it is over. What comes later is a correction: the detectors
are taken back to before that hour, and hear it and all hours since once more. What a detector keeps
is a checkpoint only.

They hear at most the last eight weeks. The grid of four weeks is the same for all sites:

    beginning of the walk     epoch before the last       last epoch          today
    baseline of 8 weeks  ---> hours are heard ----------> new baseline -----> hours are heard

So each moment of the walk begins anew every four weeks, and older corrections change the baseline
only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.horizons import DAY, HOUR
from voc_stream.domain.moment import EPOCH

if TYPE_CHECKING:
    from datetime import datetime

SETTLING = timedelta(hours=1)
"""How long after its end an hour is settled, at least."""
EPOCH_DAYS = 28
"""How far epochs lie apart: baselines are taken anew then, if nothing is suspected."""
OLDEST = timedelta(days=2 * EPOCH_DAYS + 56 + 2)
"""What is older is in no hour that is heard, and in no baseline of them."""
FIRST_MONDAY = EPOCH + timedelta(days=4)


def day_number(moment: datetime) -> int:
    """Days since Monday 1970-01-05, UTC; so its rest by 7 is the weekday.

    >>> from datetime import UTC, datetime
    >>> day_number(datetime(2026, 1, 5, 8, tzinfo=UTC)) % 7
    0
    """
    return (moment - FIRST_MONDAY) // DAY


def midnight(day: int) -> datetime:
    """When a day begins, UTC."""
    return FIRST_MONDAY + day * DAY


def settled_before(as_of: datetime) -> datetime:
    """Hours that begin before this moment are settled.

    >>> from datetime import UTC, datetime
    >>> settled_before(datetime(2026, 1, 5, 8, 30, tzinfo=UTC)).isoformat()
    '2026-01-05T07:00:00+00:00'
    """
    return EPOCH + (as_of - EPOCH) // HOUR * HOUR - SETTLING


def settled_day(line: datetime) -> int:
    """The last day that began before `line`; a new baseline may begin with it.

    >>> settled_day(midnight(9)), settled_day(midnight(9) + HOUR)
    (8, 9)
    """
    return day_number(line - HOUR)


def epoch_of(day: int) -> int:
    """The day on which the last epoch began.

    >>> epoch_of(27), epoch_of(28), epoch_of(30)
    (0, 28, 28)
    """
    return day - day % EPOCH_DAYS


def walk_begins(day: int) -> int:
    """The day from which on hours are heard, if `day` is today.

    >>> walk_begins(56), walk_begins(83), walk_begins(84)
    (28, 28, 56)
    """
    return epoch_of(day) - EPOCH_DAYS
