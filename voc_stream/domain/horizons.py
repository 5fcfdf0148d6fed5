"""The horizons of rolling satisfaction, as whole numbers of panes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


COARSE_SCOPE_TYPES = ("all", "site")
SCOPE_TYPES = (*COARSE_SCOPE_TYPES, "region", "department", "employee", "product", "segment")
HORIZONS = (
    Horizon("1h", timedelta(minutes=5), 12, COARSE_SCOPE_TYPES),
    Horizon("24h", timedelta(hours=1), 24, SCOPE_TYPES),
    Horizon("7d", timedelta(days=1), 7, SCOPE_TYPES),
    Horizon("30d", timedelta(days=1), 30, SCOPE_TYPES),
    Horizon("90d", timedelta(days=1), 90, SCOPE_TYPES),
)
# How long merged panes are kept: longer than their horizon, so that baselines can be computed from them.
PANES_KEPT = {timedelta(minutes=5): timedelta(days=3), timedelta(hours=1): timedelta(days=40), timedelta(days=1): timedelta(days=400)}


def window(horizon: Horizon, as_of: datetime) -> Window:
    """The panes of a horizon that ends with the pane that holds `as_of`.

    >>> first, last = window(HORIZONS[0], datetime(2026, 1, 5, 12, 2, tzinfo=UTC))
    >>> first.isoformat(), last.isoformat()
    ('2026-01-05T11:05:00+00:00', '2026-01-05T12:00:00+00:00')
    """
    last = EPOCH + (as_of - EPOCH) // horizon.pane * horizon.pane
    return Window(last - (horizon.panes - 1) * horizon.pane, last)
