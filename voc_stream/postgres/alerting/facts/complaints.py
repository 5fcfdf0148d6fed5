"""Reads the facts behind the alerts about complaints.

They are the complaints that are open, those that were opened in the last four weeks, and the first
of each site.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.alerts.model import MOST_IDS
from voc_stream.alerts.rules.complaints.complaint_ageing import (
    GIVEN_UP_AFTER,
    OpenComplaint,
    OpenComplaints,
    count_by_site,
)
from voc_stream.alerts.rules.complaints.complaint_surge import Opened, OpenedComplaints
from voc_stream.domain.calendar import calendars_of
from voc_stream.domain.entities.complaint import OPEN_STATES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

# When the wait began. If no opening is known, an answer shows that the complaint was open by then.
_OPEN = """
SELECT complaint_id, site_id, severity, state NOT IN ('opened', 'reopened'), waiting_since,
       handed_to
FROM (
    SELECT *, CASE WHEN reopened > 0 THEN greatest(opened_at, reopened_at)
                   ELSE coalesce(opened_at, least(acknowledged_at, apologised_at))
              END AS waiting_since
    FROM complaint WHERE state = ANY(%s)
) waiting
WHERE waiting_since >= %s
"""
COMPLAINTS_IN_MEMORY = 5_000
_AGE = "extract(epoch FROM %(now)s - opened_at)"
_DAY, _WEEK = 86_400, 604_800
_NEWEST = (
    f"ORDER BY opened_at DESC, complaint_id DESC) FILTER (WHERE {_AGE} < {_DAY}))[1:{MOST_IDS}]"
)
_OPENED = f"""
SELECT site_id, category,
       count(*) FILTER (WHERE {_AGE} < {_DAY}),
       count(*) FILTER (WHERE {_AGE} >= {_DAY} AND {_AGE} %% {_WEEK} < {_DAY}),
       count(*) FILTER (WHERE {_AGE} >= {_DAY}),
       (array_agg(opened_at {_NEWEST}, (array_agg(complaint_id {_NEWEST}
FROM complaint
WHERE opened_at > %(now)s - interval '{29 * 24} hours' AND opened_at <= %(now)s
GROUP BY site_id, category
"""


def read_complaints(reading: Reading) -> OpenComplaints:
    """The complaints that wait for their next step, counted by site."""
    catalogue, now = reading.context.catalogue, reading.context.now
    complaints = read_open(reading.cursor, now)
    return count_by_site(complaints, catalogue.limits, calendars_of(catalogue), now)


def read_opened_complaints(reading: Reading) -> OpenedComplaints:
    """The complaints that were opened of late, and when each site's first complaint was opened."""
    cursor, now = reading.cursor, reading.context.now
    return OpenedComplaints(read_opened(cursor, now), read_first(cursor, now))


def read_open(cursor: Cursor, now: datetime) -> Iterator[OpenComplaint]:
    """The complaints that wait for their next step, but for those that were given up.

    However many there are, few are in memory at once.
    """
    with cursor.connection.cursor(name="open_complaints") as reader:
        reader.itersize = COMPLAINTS_IN_MEMORY
        reader.execute(_OPEN, (list(OPEN_STATES), now - GIVEN_UP_AFTER))
        for row in reader:
            yield OpenComplaint(*row)


def read_opened(cursor: Cursor, now: datetime) -> list[Opened]:
    """How many complaints were opened in the last 29 days, by site and category."""
    cursor.execute(_OPENED, {"now": now})
    return [
        Opened(
            site_id,
            category,
            last_day,
            days_like_this,
            four_weeks,
            tuple(zip(moments or (), ids or (), strict=True)),
        )
        for site_id, category, last_day, days_like_this, four_weeks, moments, ids in cursor
    ]


def read_first(cursor: Cursor, now: datetime) -> dict[str, datetime]:
    """When the first complaint of each site was opened."""
    cursor.execute(
        "SELECT site_id, min(opened_at) FROM complaint WHERE opened_at <= %s GROUP BY site_id",
        (now,),
    )
    return dict(cursor.fetchall())
