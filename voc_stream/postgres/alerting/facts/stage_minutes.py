"""Reads how long orders usually take in each stage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.facts.stage_times import StageTimes, TimesThere
from voc_stream.catalogue.model import minutes_experience
from voc_stream.every import Every
from voc_stream.postgres.schema.expressions.durations import percentiles_of

if TYPE_CHECKING:
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

STAGE_TIMES_READ_EVERY = timedelta(hours=1)
STAGE_TIMES_OVER = timedelta(days=28)
# An unknown site is no site of its own: '' is all of them.
_COUNTS = (
    "SELECT coalesce(site_id, '') AS site_id, experience, bucket, sum(n) AS n FROM duration_count"
    " WHERE day > %s AND experience = ANY(%s)"
    " GROUP BY GROUPING SETS ((experience, bucket), (site_id, experience, bucket))"
    " HAVING site_id IS DISTINCT FROM ''"
)


class StageTimesReader:
    """Reads the times once an hour: four weeks of counts are much to read."""

    def __init__(self) -> None:
        self._times = StageTimes({})
        self._every = Every(STAGE_TIMES_READ_EVERY.total_seconds())

    def __call__(self, reading: Reading) -> StageTimes:
        """What was read within the last hour, else what the tables say now."""
        catalogue, now, _ = reading.context
        if self._every.is_due(now.timestamp()):
            self._times = read_stage_times(reading.cursor, catalogue, now)
            self._every.done(now.timestamp())
        return self._times


def read_stage_times(cursor: Cursor, catalogue: Catalogue, now: datetime) -> StageTimes:
    """How long orders took in each stage in the last four weeks.

    What has not been merged yet is seconds old, and is not missed.
    """
    stage_of = {minutes_experience(stage): stage for stage in catalogue.flow.stages}
    cursor.execute(
        percentiles_of(_COUNTS, "site_id, experience"),
        ((now - STAGE_TIMES_OVER).date(), list(stage_of)),
    )
    return StageTimes(
        {
            (site_id, stage_of[experience]): TimesThere(orders, usual, longest)
            for site_id, experience, orders, usual, _, longest in cursor
        }
    )
