"""Computes local days and opening time of sites.

It says on which day a moment is, and how long a site was open. A site is open at a moment if the
clock on its wall shows one of its opening hours. So a night on which the clock is put forward has
an hour less, and one on which it is put back an hour more. Opening time is looked up in the
openings of whole years, which are listed once. So two moments cost the same whether an hour or a
year lies between them.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from voc_stream.catalogue.calendar import CLOSED, UTC_NAME, WHOLE_DAY, SiteCalendar
from voc_stream.catalogue.national_days import national_days
from voc_stream.domain.moment import MICROSECOND, microseconds_of
from voc_stream.domain.openings import (
    DAY_MICROSECONDS,
    Openings,
    openings_of,
    year_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voc_stream.catalogue.calendar import Hours
    from voc_stream.catalogue.model import Catalogue

YEARS_OF_A_WAIT = 12  # A limit of a year is over by then, if a site opens for two hours a day.


class Calendar:
    """The calendar of one site, or of many that have the same.

    `whole_days`: a day that is open at all counts as open from midnight to midnight.
    """

    def __init__(self, stated: SiteCalendar, *, whole_days: bool = False) -> None:
        self.stated = stated
        self._whole_days = whole_days
        self.is_utc = stated.time_zone == UTC_NAME
        self._zone = ZoneInfo(stated.time_zone)
        self._years: dict[int, Openings] = {}

    @property
    def has_hours(self) -> bool:
        """Whether it is known when the site is open."""
        return self.stated.has_hours

    @cached_property
    def never_closes(self) -> bool:
        """Whether no hour and no day is known on which the site is closed."""
        stated = self.stated
        return not (stated.week or stated.country or stated.holidays or stated.closed_for_good)

    @cached_property
    def _open_days(self) -> Calendar:
        return Calendar(self.stated, whole_days=True)

    def day_of(self, moment: datetime) -> date:
        """The local day of a moment.

        >>> shanghai = Calendar(SiteCalendar(time_zone="Asia/Shanghai"))
        >>> shanghai.day_of(datetime(2026, 1, 4, 23, 30, tzinfo=UTC)).isoformat()
        '2026-01-05'
        """
        return moment.astimezone(UTC if self.is_utc else self._zone).date()

    def hours_of(self, day: date) -> Hours:
        """When the site is open on a local day; the whole day if no hours are stated.

        >>> china = Calendar(SiteCalendar(country="CN", week=(((480, 1080),),) * 5 + ((), ())))
        >>> china.hours_of(date(2025, 10, 1)), china.hours_of(date(2025, 10, 9))
        ((), ((480, 1080),))
        """
        hours = self._hours_of(day)
        return WHOLE_DAY if hours and self._whole_days else hours

    def _hours_of(self, day: date) -> Hours:
        stated = self.stated
        if stated.closed_for_good is not None and day >= stated.closed_for_good:
            return CLOSED
        usual = WHOLE_DAY if stated.week is None else stated.week[day.weekday()]
        if day in stated.working_days:
            return usual or stated.make_up_hours
        if day in stated.holidays:
            return CLOSED
        if stated.country is not None:
            national = national_days(stated.country, day.year)
            if day in national.working_days:
                return usual or stated.make_up_hours
            if day in national.holidays:
                return CLOSED
        return usual

    def is_closed_for_good(self, now: datetime) -> bool:
        """Whether the site does not exist any more."""
        closed = self.stated.closed_for_good
        return closed is not None and self.day_of(now) >= closed

    def opening_time(self, start: datetime, end: datetime) -> timedelta:
        """For how long the site was open from one moment to another; nothing if end <= start.

        >>> office = Calendar(SiteCalendar(week=(((480, 1080),),) * 7))
        >>> evening = datetime(2026, 1, 5, 17, 30, tzinfo=UTC)
        >>> office.opening_time(evening, evening + timedelta(hours=15)) / timedelta(minutes=1)
        60.0
        """
        opened = self.opening_microseconds(microseconds_of(start), microseconds_of(end))
        return opened * MICROSECOND

    def opening_microseconds(self, start: int, end: int) -> int:
        """The opening time between moments in microseconds since 1970, exactly."""
        if end <= start:
            return 0
        # A local year may begin or end on the day before or after that of UTC.
        years = range(year_of(start - DAY_MICROSECONDS), year_of(end + DAY_MICROSECONDS) + 1)
        found = 0
        for year in years:
            openings = self._openings(year)
            found += openings.until(end) - openings.until(start)
        return found

    def time_on_open_days(self, start: datetime, end: datetime) -> timedelta:
        """The time from one moment to another without the days on which the site is closed.

        >>> office = Calendar(SiteCalendar(week=(((480, 1080),),) * 5 + ((), ())))
        >>> friday = datetime(2026, 1, 9, 17, 0, tzinfo=UTC)
        >>> office.time_on_open_days(friday, friday + timedelta(days=3)) / timedelta(hours=1)
        24.0
        """
        if self.never_closes:
            return max(end - start, timedelta(0))
        return self._open_days.opening_time(start, end)

    def before(self, end: datetime, duration: timedelta) -> datetime:
        """The moment since which `duration` passed until `end`, closed days left out.

        At most a year earlier than the duration says, for a site that has long been closed.

        >>> office = Calendar(SiteCalendar(week=(((480, 1080),),) * 5 + ((), ())))
        >>> monday = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
        >>> office.before(monday, timedelta(days=1)).isoformat()
        '2026-01-09T09:00:00+00:00'
        """
        low, high = end - duration - timedelta(days=366), end - duration
        if self.time_on_open_days(high, end) >= duration:
            return high
        # The farther back it starts, the more time it is: the latest start with enough of it.
        while high - low > MICROSECOND:
            middle = low + (high - low) // 2
            if self.time_on_open_days(middle, end) >= duration:
                low = middle
            else:
                high = middle
        return low

    def end_of_wait(self, start: int, wait: int, *, in_opening_time: bool = False) -> int | None:
        """The last moment at which nobody has waited longer than `wait`, in microseconds.

        The wait is in opening time if that is asked for and known; else without the days on which
        the site is closed. None if the site is never open for so long again.

        >>> office = Calendar(SiteCalendar(week=(((480, 1080),),) * 5 + ((), ())))
        >>> from voc_stream.domain.moment import from_microseconds
        >>> friday = datetime(2026, 1, 9, 17, 0, tzinfo=UTC)
        >>> start, hours = microseconds_of(friday), 2 * 3_600_000_000
        >>> end = office.end_of_wait(start, hours, in_opening_time=True)
        >>> from_microseconds(end).isoformat()
        '2026-01-12T09:00:00+00:00'
        """
        if in_opening_time and self.has_hours:
            return self.end_of_opening(start, wait)
        return start + wait if self.never_closes else self._open_days.end_of_opening(start, wait)

    def end_of_opening(self, start: int, left: int) -> int | None:
        """The last moment until which the site is not open for longer, in microseconds."""
        first = year_of(start - DAY_MICROSECONDS)
        for year in range(first, first + YEARS_OF_A_WAIT):
            openings = self._openings(year)
            target = openings.until(start) + left
            if target < openings.before[-1]:
                number = bisect_right(openings.before, target) - 1
                return openings.starts[number] + target - openings.before[number]
            left = target - openings.before[-1]
        return None

    def _openings(self, year: int) -> Openings:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = openings_of(year, self._zone, self.hours_of)
        return found


class Calendars(NamedTuple):
    """The calendars of a catalogue: its own, and those of sites that differ from it."""

    default: Calendar
    of_sites: Mapping[str, Calendar]

    @property
    def has_hours(self) -> bool:
        """Whether it is known of any site when it is open."""
        return self.default.has_hours or any(one.has_hours for one in self.of_sites.values())

    def of(self, site_id: str | None) -> Calendar:
        """The calendar of a site; the catalogue's if the site has none of its own."""
        if site_id is None or not self.of_sites:
            return self.default
        return self.of_sites.get(site_id, self.default)

    def closed_for_good(self, now: datetime) -> frozenset[str]:
        """The sites that do not exist any more."""
        return frozenset(
            site_id for site_id, one in self.of_sites.items() if one.is_closed_for_good(now)
        )


def calendars_of(catalogue: Catalogue) -> Calendars:
    """The calendars that a catalogue states. Years are listed once for all that are the same."""
    return Calendars(
        _calendar(catalogue.calendar),
        {site_id: _calendar(stated) for site_id, stated in catalogue.site.items()},
    )


# There are many sites and few calendars.
_calendar = lru_cache(maxsize=4096)(Calendar)

NEVER_CLOSED = Calendars(_calendar(SiteCalendar()), {})
"""The calendars of a catalogue that states none."""
