"""Declares the horizons of rolling satisfaction, as whole numbers of panes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import SCOPE_TYPES, SITES
from voc_stream.domain.moment import EPOCH

if TYPE_CHECKING:
    from datetime import datetime

FIVE_MINUTES, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)


class Horizon(NamedTuple):
    """A horizon: its panes' width, how many there are, and the scope types for which it is kept."""

    name: str
    pane: timedelta
    panes: int
    scope_types: tuple[str, ...]


class Window(NamedTuple):
    """The panes of a horizon at one moment: `first` <= start of a pane <= `last`."""

    first: datetime
    last: datetime


HORIZONS = (
    Horizon("1h", FIVE_MINUTES, 12, SITES),
    Horizon("24h", HOUR, 24, SCOPE_TYPES),
    Horizon("7d", DAY, 7, SCOPE_TYPES),
    Horizon("30d", DAY, 30, SCOPE_TYPES),
    Horizon("90d", DAY, 90, SCOPE_TYPES),
)
# How long merged panes are kept: longer than their horizon. Detectors hear the hours of the last
# eight weeks, and take their baselines from days.
PANES_KEPT = {FIVE_MINUTES: timedelta(days=3), HOUR: timedelta(days=60), DAY: timedelta(days=400)}


def window(horizon: Horizon, as_of: datetime) -> Window:
    """The panes of a horizon that ends with the pane that holds `as_of`.

    >>> from datetime import UTC, datetime
    >>> first, last = window(HORIZONS[0], datetime(2026, 1, 5, 12, 2, tzinfo=UTC))
    >>> first.isoformat(), last.isoformat()
    ('2026-01-05T11:05:00+00:00', '2026-01-05T12:00:00+00:00')
    """
    last = EPOCH + (as_of - EPOCH) // horizon.pane * horizon.pane
    return Window(last - (horizon.panes - 1) * horizon.pane, last)


def closed_window(horizon: Horizon, as_of: datetime) -> Window:
    """The panes of a horizon but for the newest, which still grows.

    >>> from datetime import UTC, datetime
    >>> closed_window(HORIZONS[0], datetime(2026, 1, 5, 12, 2, tzinfo=UTC)).last.isoformat()
    '2026-01-05T11:55:00+00:00'
    """
    first, last = window(horizon, as_of)
    return Window(first, last - horizon.pane)
