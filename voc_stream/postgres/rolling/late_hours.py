"""Notes which settled hours of key experiences changed, so that detectors hear them once more.

What comes in time is not noted: the detectors read the hours that are not settled yet anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voc_stream.alerts.detection.settling import OLDEST, settled_before
from voc_stream.domain.horizons import HOUR
from voc_stream.domain.moment import EPOCH
from voc_stream.postgres.increments.aggregates import HOURS_OF_SITES, SCOPE, START
from voc_stream.postgres.increments.world import EXPERIENCE

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.postgres.increments.merging import Merged
    from voc_stream.postgres.session.cursor import Cursor

CHANGING = ("n", "score_sum", "score_sq_sum")
"""Detectors hear these sums; an expectation that is stated changes nothing for them."""


def note_late_hours(cursor: Cursor, merged: Merged, as_of: datetime) -> None:
    """Note the earliest settled hour that what was merged changes, for each site and experience."""
    rows = merged.of(HOURS_OF_SITES)
    if rows is None:
        return
    start, scope, experience = (rows.keys[name] for name in (START, SCOPE, EXPERIENCE))
    settled = (start >= -((EPOCH - as_of + OLDEST) // HOUR)) & (
        start < (settled_before(as_of) - EPOCH) // HOUR
    )
    changes = np.logical_or.reduce([rows.sums[name] != 0 for name in CHANGING])
    earliest: dict[tuple[int, int], int] = {}
    is_known = scope != merged.world.names["site_id"].number("")
    late = np.flatnonzero(settled & changes & is_known)
    for site, about, hour in zip(
        scope[late].tolist(), experience[late].tolist(), start[late].tolist(), strict=True
    ):
        earliest[site, about] = min(hour, earliest.get((site, about), hour))
    if earliest:
        sites, experiences = zip(*earliest, strict=True)
        cursor.execute(
            "INSERT INTO late_hour (site_id, experience, hour) SELECT u.site_id, experience, u.hour"
            " FROM unnest(%s::text[], %s::text[], %s::timestamptz[])"
            " AS u (site_id, experience, hour) JOIN experience e USING (experience) WHERE e.is_key",
            (
                merged.world.names["site_id"].of(sites),
                merged.world.names[EXPERIENCE].of(experiences),
                [EPOCH + hour * HOUR for hour in earliest.values()],
            ),
        )


def forget_detectors(cursor: Cursor) -> None:
    """Forget where the detectors stand, after sums were replaced; they are computed anew."""
    cursor.execute("DELETE FROM detector; DELETE FROM detector_clock; DELETE FROM late_hour")
