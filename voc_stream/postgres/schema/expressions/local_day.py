"""Gives SQL of the day of a moment in the time zone of its site."""

from __future__ import annotations

# PostgreSQL evaluates this once a query, not once a row.
_DEFAULT_ZONE = "coalesce((SELECT time_zone FROM site_calendar WHERE site_id = ''), 'UTC')"


def join_calendar(site_id: str) -> str:
    """SQL for the end of a FROM, which gives `local_day` what it needs.

    Sites without a row stay in.
    """
    return f"LEFT JOIN site_calendar AS its_calendar ON its_calendar.site_id = {site_id}"


def local_day(moment: str) -> str:
    """SQL of the day of a moment, if the FROM ends with `join_calendar`."""
    return f"({moment} AT TIME ZONE coalesce(its_calendar.time_zone, {_DEFAULT_ZONE}))::date"
