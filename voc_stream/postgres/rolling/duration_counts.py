"""Counts durations by day and site, in buckets that are narrow enough for percentiles.

It goes with the slower refresh: under load that takes sites in parts, so that a row of counts is
written once for many durations. What the catalogue does not measure in minutes costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.rolling.local_days import local_day_of_taken
from voc_stream.postgres.schema.expressions.durations import bucket_sql
from voc_stream.postgres.schema.sums import merge

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Cursor

_KEY = "day, site_id, experience, bucket"


def merge_durations(cursor: Cursor) -> None:
    """Count the durations of the temporary table `taken`."""
    cursor.execute("SELECT array_agg(experience) FROM experience WHERE unit = 'minutes'")
    ((in_minutes,),) = cursor.fetchall()
    if not in_minutes:
        return
    day, calendars = local_day_of_taken(cursor)
    rows = (
        f"SELECT {_KEY}, sum(weight) FROM (SELECT taken.site_id, experience, weight, {day} AS day,"
        f" {bucket_sql('value')} AS bucket FROM taken {calendars}"
        f" WHERE experience = ANY(%s)) counted GROUP BY {_KEY} ORDER BY {_KEY}"
    )
    merge(cursor, "duration_count", _KEY, ("n",), rows, parameters=(in_minutes,))
