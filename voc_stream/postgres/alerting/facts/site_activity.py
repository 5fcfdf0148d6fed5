"""Finds when sites were at work: the five-minute panes in which an order left any stage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from voc_stream.alerts.facts.workshop_facts import WorkingTimes
from voc_stream.catalogue.model import minutes_experience
from voc_stream.domain.horizons import FIVE_MINUTES, PANES_KEPT
from voc_stream.every import Every

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.postgres.alerting.facts.reading import Reading
    from voc_stream.postgres.session.cursor import Cursor

READ_ALL_EVERY = timedelta(hours=1)
"""How often all is read.

In between only new panes are, and what arrives late is found within the hour.
"""
MERGED_WITHIN = timedelta(minutes=10)
"""How long after it began a pane may still get its first contributions."""


class SiteActivity:
    """Remembers three days of panes."""

    def __init__(self) -> None:
        self._active: dict[str, list[datetime]] = {}
        self._read_at: datetime | None = None
        self._every = Every(READ_ALL_EVERY.total_seconds())

    def __call__(self, reading: Reading) -> WorkingTimes:
        """When sites worked until now."""
        catalogue, now, _ = reading.context
        return WorkingTimes(self.until(reading.cursor, catalogue, now))

    def until(
        self, cursor: Cursor, catalogue: Catalogue, now: datetime
    ) -> Mapping[str, Sequence[datetime]]:
        """The starts of the panes in which a site finished something, by site, ascending."""
        if self._read_at is None or self._every.is_due(now.timestamp()):
            reads_all, begin = True, now - PANES_KEPT[FIVE_MINUTES]
        else:
            reads_all, begin = False, self._read_at - MERGED_WITHIN
        cursor.execute(
            "SELECT DISTINCT scope, start FROM pane"
            " WHERE resolution = 5 AND start >= %s AND scope_type = 'site' AND experience = ANY(%s)"
            " AND n > 0 ORDER BY 1, 2",
            (begin, [minutes_experience(stage) for stage in catalogue.flow.stages]),
        )
        rows = cursor.fetchall()
        # What is known is kept until what takes its place is there: reading may fail.
        if reads_all:
            self._active = {}
            self._every.done(now.timestamp())
        for site_id, start in rows:
            known = self._active.setdefault(site_id, [])
            if not known or known[-1] < start:
                known.append(start)
        self._read_at = now
        return self._active
