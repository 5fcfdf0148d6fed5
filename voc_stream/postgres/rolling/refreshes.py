"""Declares the two refreshes, and moves the windows of their horizons on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.dimensions import DETAILS, SITES
from voc_stream.domain.horizons import HORIZONS, Horizon, Window, closed_window
from voc_stream.postgres.increments.levels import Level
from voc_stream.postgres.schema.sums import SUMS, add_up, all_zero
from voc_stream.postgres.session.locks import Lock

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from voc_stream.postgres.session.cursor import Cursor

SUMMED = (*SUMS, "top_n", "bottom_n")

log = logging.getLogger(__name__)


class Refresh(NamedTuple):
    """What is refreshed together: the sums of a level, and the horizons of its scope types.

    Attributes:
        level: whose sums are merged.
        lock: the lock under which it is done.
        scope_types: the scope types that it keeps.
    """

    level: Level
    lock: Lock
    scope_types: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its row in `rolling_clock`."""
        return self.level.value


OF_SITES = Refresh(Level.SITES, Lock.SITES, SITES)
OF_DETAILS = Refresh(Level.DETAILS, Lock.DETAILS, DETAILS)
REFRESHES = (OF_SITES, OF_DETAILS)


def wind_back(cursor: Cursor, refresh: Refresh, as_of: datetime) -> None:
    """Sum up the horizons as of `as_of` from all panes: the clock was ahead at the last refresh."""
    log.warning(
        "the rolling tables (%s) were ahead of now: they are put together anew as of %s",
        refresh.name,
        as_of,
    )
    cursor.execute(
        "DELETE FROM rolling_sum WHERE scope_type = ANY(%s)", (list(refresh.scope_types),)
    )
    for horizon in HORIZONS:
        scope_types = [each for each in horizon.scope_types if each in refresh.scope_types]
        _add_panes(cursor, horizon, scope_types, 1, closed_window(horizon, as_of))
    cursor.execute("UPDATE rolling_clock SET as_of = %s WHERE refresh = %s", (as_of, refresh.name))


def shift_windows(
    cursor: Cursor, refresh: Refresh, before: datetime | None, as_of: datetime
) -> None:
    """Take panes that left out of the rolling sums, and add the panes that closed.

    Each counts with what it held. Windows only move forward.
    """
    for horizon in HORIZONS:
        scope_types = [each for each in horizon.scope_types if each in refresh.scope_types]
        new = closed_window(horizon, as_of)
        if before is None:
            _add_panes(cursor, horizon, scope_types, 1, new)
            continue
        old = closed_window(horizon, before)
        if scope_types and new != old:
            _add_panes(
                cursor,
                horizon,
                scope_types,
                -1,
                Window(old.first, min(old.last, new.first - horizon.pane)),
            )
            _add_panes(
                cursor,
                horizon,
                scope_types,
                1,
                Window(max(new.first, old.last + horizon.pane), new.last),
            )


def _add_panes(
    cursor: Cursor, horizon: Horizon, scope_types: list[str], sign: int, panes: Window
) -> None:
    key = "horizon, scope_type, scope, experience"
    cursor.execute(
        f"INSERT INTO rolling_sum AS t ({key}, {', '.join(SUMMED)})"
        " SELECT %s, scope_type, scope, experience,"
        f" {', '.join(f'%s * sum({name})' for name in SUMMED)} FROM pane"
        " WHERE resolution = %s AND start BETWEEN %s AND %s AND scope_type = ANY(%s)"
        f" GROUP BY scope_type, scope, experience {add_up(key, SUMMED)}",
        (horizon.name, *[sign] * len(SUMMED), minutes(horizon.pane), *panes, scope_types),
    )
    if sign < 0:
        cursor.execute(
            "DELETE FROM rolling_sum WHERE horizon = %s AND scope_type = ANY(%s)"
            f" AND {all_zero(SUMMED)}",
            (horizon.name, scope_types),
        )


def minutes(width: timedelta) -> int:
    """The width of a pane as the tables write it."""
    return int(width.total_seconds() // 60)
