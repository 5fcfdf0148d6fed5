"""Days and opening time of sites, minute by minute, straight from the TOML of the catalogue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Of the notice of China's State Council about 2025, only days off that are no weekend otherwise.
CHINA_HOLIDAYS = """
    2025-01-01 2025-01-28 2025-01-29 2025-01-30 2025-01-31 2025-02-03 2025-02-04 2025-04-04
    2025-05-01 2025-05-02 2025-05-05 2025-05-31 2025-06-02 2025-10-01 2025-10-02 2025-10-03
    2025-10-06 2025-10-07 2025-10-08
"""
_CLOSINGS = {"open", "country", "holidays", "working_days"}
CHINA_WORKING_DAYS = "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11"


def local_day(catalogue: Mapping[str, Any], site_id: str, moment: datetime) -> date:
    """The date on the wall of the site."""
    return moment.astimezone(_zone(catalogue, site_id)).date()


def _tables(catalogue: Mapping[str, Any], site_id: str) -> list[Mapping[str, Any]]:
    """What is said of a site: its own table first, then the catalogue's."""
    return [catalogue.get("site", {}).get(site_id, {}), catalogue.get("calendar", {})]


def _stated(catalogue: Mapping[str, Any], site_id: str, key: str) -> Any:
    return next(
        (table[key] for table in _tables(catalogue, site_id) if key in table),
        None,
    )


def _zone(catalogue: Mapping[str, Any], site_id: str) -> ZoneInfo:
    return ZoneInfo(_stated(catalogue, site_id, "time_zone") or "UTC")


def has_hours(catalogue: Mapping[str, Any], site_id: str) -> bool:
    """Whether anybody said when the site is open."""
    return _stated(catalogue, site_id, "open") is not None


def hours_of(catalogue: Mapping[str, Any], site_id: str, day: date) -> list[str]:
    """The opening hours of a day, as the catalogue writes them."""
    closed = catalogue.get("site", {}).get(site_id, {}).get("closed_for_good")
    if closed is not None and day >= date.fromisoformat(str(closed)):
        return []
    week = _stated(catalogue, site_id, "open")
    if week is None:
        week = dict.fromkeys(WEEKDAYS, "00:00-24:00")
    usual = week.get(WEEKDAYS[day.weekday()], [])
    instead = week.get("working_day", next(week[each] for each in WEEKDAYS if week.get(each)))
    verdict = _is_worked(catalogue, site_id, day)
    hours = {None: usual, True: usual or instead, False: []}[verdict]
    return [hours] if isinstance(hours, str) else list(hours)


def _is_worked(catalogue: Mapping[str, Any], site_id: str, day: date) -> bool | None:
    """Whether somebody said that this day is worked (True) or off (False)."""
    for table in _tables(catalogue, site_id):
        if str(day) in map(str, table.get("working_days", ())):
            return True
        if str(day) in map(str, table.get("holidays", ())):
            return False
    if _stated(catalogue, site_id, "country") == "CN":
        assert day.year == 2025, "the oracle knows China's days of 2025 only"
        if str(day) in CHINA_WORKING_DAYS:
            return True
        if str(day) in CHINA_HOLIDAYS:
            return False
    return None


def opening_minutes(
    catalogue: Mapping[str, Any], site_id: str, start: datetime, end: datetime
) -> float:
    """How long the site was open between two moments: each minute is looked at."""
    return opening_time(catalogue, site_id, start, end) / MINUTE


def opening_time(
    catalogue: Mapping[str, Any], site_id: str, start: datetime, end: datetime
) -> timedelta:
    """The same, exactly."""
    found = timedelta(0)
    zone = _zone(catalogue, site_id)
    rules: dict[date, list[str]] = {}
    minute = start.astimezone(UTC).replace(second=0, microsecond=0)
    while minute < end:
        local = minute.astimezone(zone)
        day = local.date()
        if day not in rules:
            rules[day] = hours_of(catalogue, site_id, day)
        shown = _clock(local.hour, local.minute)
        if any(span[:5] <= shown < span[6:] for span in rules[day]):
            found += min(minute + MINUTE, end) - max(minute, start)
        minute += MINUTE
    return found


def end_of_wait(
    catalogue: Mapping[str, Any], site_id: str, start: datetime, wait: timedelta
) -> datetime | None:
    """The last moment at which nobody has waited longer than so long; None if there is none.

    Closed days do not count; nor does any closed minute if limits are in opening time.
    """
    in_hours = catalogue.get("limits", {}).get("in_opening_time", False)
    in_hours = in_hours and has_hours(catalogue, site_id)
    tables = _tables(catalogue, site_id)
    closed = tables[0].get("closed_for_good")
    if closed is None and not any(_CLOSINGS & table.keys() for table in tables):
        return start + wait
    zone, left = _zone(catalogue, site_id), wait
    rules: dict[date, list[str]] = {}
    minute = start.astimezone(UTC).replace(second=0, microsecond=0)
    while True:
        local = minute.astimezone(zone)
        day = local.date()
        if closed is not None and day >= date.fromisoformat(str(closed)):
            return None
        if day not in rules:
            rules[day] = hours_of(catalogue, site_id, day)
        shown = _clock(local.hour, local.minute)
        begin, end = max(minute, start), minute + MINUTE
        if any(span[:5] <= shown < span[6:] for span in rules[day]) if in_hours else rules[day]:
            if left < end - begin:
                return begin + left
            left -= end - begin
        minute = end


@cache
def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"
