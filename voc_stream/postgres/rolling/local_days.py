"""Gives SQL of the day of what a refresh has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voc_stream.postgres.schema.expressions.local_day import join_calendar, local_day

if TYPE_CHECKING:
    from voc_stream.postgres.session.cursor import Cursor


def local_day_of_taken(cursor: Cursor) -> tuple[str, str]:
    """SQL of the day, and the join that it needs: no join if all sites have the same time zone."""
    cursor.execute("SELECT DISTINCT time_zone FROM site_calendar")
    zones = [zone for (zone,) in cursor]
    if len(zones) > 1:
        return local_day("moment"), join_calendar("taken.site_id")
    return f"(moment AT TIME ZONE '{zones[0] if zones else 'UTC'}')::date", ""
