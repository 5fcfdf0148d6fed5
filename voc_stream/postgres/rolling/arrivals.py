"""Passes scores of key experiences on to the detectors of drops, in the points that they watch."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.domain.dimensions import SITES
from voc_stream.domain.horizons import HOUR
from voc_stream.domain.moment import EPOCH
from voc_stream.postgres.rolling.refreshes import minutes
from voc_stream.postgres.schema.expressions.watched import WATCHED_SQUARES, WATCHED_SUM

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor

NEWS = timedelta(days=7)
"""Older scores tell nothing about now, and the detectors do not hear of them."""
_NOTE = (
    "INSERT INTO arrival (scope_type, scope, experience, hour, n, score_sum, score_sq_sum)"
    f" SELECT p.scope_type, p.scope, p.experience, p.start, p.n, {WATCHED_SUM}, {WATCHED_SQUARES}"
)


def note_arrivals(cursor: Cursor, as_of: datetime) -> None:
    """Pass on what was taken.

    The scores stand in the order of their arrival, not of their moments. Those of hours to come are
    not passed on yet: what counts when its days are over may change until then.
    """
    cursor.execute(
        f"{_NOTE} FROM taken_pane p JOIN experience e USING (experience) WHERE e.is_key"
        " AND p.resolution = %s AND p.start BETWEEN %s AND %s",
        (minutes(HOUR), as_of - NEWS, as_of),
    )


def note_begun(cursor: Cursor, before: datetime, as_of: datetime) -> None:
    """Pass on what has been merged of the hours that have begun since the last refresh."""
    if (before - EPOCH) // HOUR == (as_of - EPOCH) // HOUR:
        return
    cursor.execute(
        f"{_NOTE} FROM pane p JOIN experience e USING (experience) WHERE e.is_key AND p.n <> 0"
        " AND p.scope_type = ANY(%s) AND p.resolution = %s AND p.start > %s AND p.start <= %s",
        (list(SITES), minutes(HOUR), max(before, as_of - NEWS), as_of),
    )
