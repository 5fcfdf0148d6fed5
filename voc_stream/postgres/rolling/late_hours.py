"""Notes which settled hours of key experiences changed, so that detectors hear them once more.

What comes in time is not noted: the detectors read the hours that are not settled yet anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.detection.settling import OLDEST, settled_before
from voc_stream.domain.horizons import HOUR
from voc_stream.postgres.rolling.refreshes import minutes

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.session.cursor import Cursor


def note_late_hours(cursor: Cursor, as_of: datetime) -> None:
    """Note the earliest settled hour that what was taken changes, for each site and experience."""
    cursor.execute(
        "INSERT INTO late_hour (site_id, experience, hour)"
        " SELECT p.scope, p.experience, min(p.start)"
        " FROM taken_pane p JOIN experience e USING (experience)"
        " WHERE e.is_key AND p.resolution = %s AND p.scope_type = 'site' AND p.start >= %s"
        " AND p.start < %s"
        " AND (p.n, p.score_sum, p.score_sq_sum) <> (0, 0, 0)"
        " GROUP BY p.scope, p.experience",
        (minutes(HOUR), as_of - OLDEST, settled_before(as_of)),
    )


def forget_detectors(cursor: Cursor) -> None:
    """Forget where the detectors stand, after sums were replaced; they are computed anew."""
    cursor.execute("DELETE FROM detector; DELETE FROM detector_clock; DELETE FROM late_hour")
