"""Reads `[calendar]` and `[site.X]` of a catalogue."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from zoneinfo import ZoneInfo

from voc_stream.catalogue.calendar import CLOSED, MINUTES_A_DAY, WHOLE_DAY, Hours, SiteCalendar
from voc_stream.catalogue.national_days import is_country

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAKE_UP = "working_day"
LONGEST_RANGE = timedelta(days=366)
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
_KEYS = ("time_zone", "open", "country", "holidays", "working_days", "days_file")
_SITE_KEYS = (*_KEYS, "closed_for_good")


class Fail(Protocol):
    """Raises the error that names the key."""

    def __call__(self, path: Sequence[str], problem: str) -> NoReturn:
        """Raise it about the key at `path`."""


def read_calendar(
    table: Mapping[str, Any], path: Sequence[str], base: SiteCalendar | None, fail: Fail
) -> SiteCalendar:
    """The calendar that a table states.

    What the table leaves out comes from `base`, the catalogue's. Days that a table states count
    before those of `base`, and these before those of the country.
    """
    if not isinstance(table, dict):
        fail(path, "must be a table")
    known = _KEYS if base is None else _SITE_KEYS
    for key in table:
        if key not in known:
            fail((*path, key), f"there is no such key; the keys are {', '.join(known)}")
    base = base or SiteCalendar()
    holidays = _days(table, "holidays", path, fail)
    working_days = _days(table, "working_days", path, fail)
    for day in sorted(holidays & working_days):
        fail((*path, "working_days"), f"{day} is a holiday and a working day: remove one")
    week, make_up = _week(table, path, base, fail)
    return SiteCalendar(
        time_zone=_time_zone(table, path, base, fail),
        week=week,
        make_up_hours=make_up,
        country=_country(table, path, base, fail),
        holidays=holidays | (base.holidays - working_days),
        working_days=working_days | (base.working_days - holidays),
        closed_for_good=_closed_for_good(table, path, fail),
    )


def _time_zone(
    table: Mapping[str, Any], path: Sequence[str], base: SiteCalendar, fail: Fail
) -> str:
    name = table.get("time_zone", base.time_zone)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError, AttributeError):
        fail((*path, "time_zone"), f"{name!r} is no IANA time zone, as Asia/Shanghai is one")
    return str(name)


def _country(
    table: Mapping[str, Any], path: Sequence[str], base: SiteCalendar, fail: Fail
) -> str | None:
    name = table.get("country", base.country)
    if name is not None and not (isinstance(name, str) and is_country(name)):
        fail((*path, "country"), f"{name!r} is no country whose holidays are known, as CN or DE-BY")
    return name


def _closed_for_good(table: Mapping[str, Any], path: Sequence[str], fail: Fail) -> date | None:
    if "closed_for_good" not in table:
        return None
    days = _days({"closed_for_good": [table["closed_for_good"]]}, "closed_for_good", path, fail)
    if len(days) != 1:
        fail((*path, "closed_for_good"), "must be one day, the first on which it is closed")
    return next(iter(days))


def _week(
    table: Mapping[str, Any], path: Sequence[str], base: SiteCalendar, fail: Fail
) -> tuple[tuple[Hours, ...] | None, Hours]:
    if "open" not in table:
        return base.week, base.make_up_hours
    stated, path = table["open"], (*path, "open")
    if not isinstance(stated, dict):
        fail(path, 'must be a table, as { monday = "08:00-18:00" }')
    for key in stated:
        if key not in (*WEEKDAYS, MAKE_UP):
            fail((*path, key), f"is no weekday; the keys are {', '.join((*WEEKDAYS, MAKE_UP))}")
    hours = {key: _hours(value, (*path, key), fail) for key, value in stated.items()}
    week = tuple(hours.get(day, CLOSED) for day in WEEKDAYS)
    if not any(week):
        fail(path, "at least one weekday must be open")
    # A Sunday that is worked instead of a Tuesday has the hours of a Tuesday.
    return week, hours.get(MAKE_UP, next(day for day in week if day))


def _hours(value: Any, path: Sequence[str], fail: Fail) -> Hours:
    spans = [value] if isinstance(value, str) else value
    if not isinstance(spans, list):
        fail(path, 'must be hours, as "08:00-18:00", or a list of them')
    found: list[tuple[int, int]] = []
    for span in spans:
        match = _HOURS.fullmatch(span) if isinstance(span, str) else None
        if match is None:
            fail(path, f'{span!r} must be hours, as "08:00-18:00"')
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = 60 * hour + minute, 60 * end_hour + end_minute
        if minute > 59 or end_minute > 59 or not start < end <= MINUTES_A_DAY:  # noqa: PLR2004
            fail(path, f"{span!r} must end after it begins, at 24:00 at the latest")
        if found and start < found[-1][1]:
            fail(path, f"{span!r} must begin after the hours before it have ended")
        found.append((start, end))
    return WHOLE_DAY if found == [WHOLE_DAY[0]] else tuple(found)


def _days(table: Mapping[str, Any], key: str, path: Sequence[str], fail: Fail) -> frozenset[date]:
    stated, here = table.get(key, []), (*path, key)
    if not isinstance(stated, list):
        fail(here, 'must be a list of days, as ["2025-10-01", "2025-10-04/2025-10-05"]')
    found: set[date] = set()
    for each in stated:
        try:
            found.update(_span(each))
        except ValueError:
            fail(here, f'{each!r} is no day and no range of days, as "2025-10-01/2025-10-08"')
    return frozenset(found)


def _span(stated: Any) -> list[date]:
    """The days from the first to the last. Raises ValueError."""
    # TOML has days of its own, which print as the strings do; a time of day makes them no days.
    first, _, last = str(stated).partition("/")
    start = date.fromisoformat(first)
    end = date.fromisoformat(last) if last else start
    if not timedelta(0) <= end - start <= LONGEST_RANGE:
        raise ValueError(stated)
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]
