"""Holds what a catalogue says of its sites' calendars: time zone, opening hours, holidays.

`domain/calendar.py` computes with it.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003  msgspec reads the annotations at run time

import msgspec

UTC_NAME = "UTC"
MINUTES_A_DAY = 24 * 60
Hours = tuple[tuple[int, int], ...]
"""Opening hours of one day, ascending: pairs of minutes since midnight, the second excluded."""
CLOSED: Hours = ()
WHOLE_DAY: Hours = ((0, MINUTES_A_DAY),)


class SiteCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """The calendar of a site, with all that it takes over from the catalogue's.

    Attributes:
        time_zone: an IANA name.
        week: the hours from Monday to Sunday; None if the catalogue states none.
        make_up_hours: those of a working day that makes up for another, whatever its weekday.
        country: whose public holidays and make-up working days count, as `CN` or `DE-BY`.
        holidays: further days on which it is closed.
        working_days: days on which it is open, whatever else is said.
        closed_for_good: the first day on which it does not exist any more.
    """

    time_zone: str = UTC_NAME
    week: tuple[Hours, ...] | None = None
    make_up_hours: Hours = WHOLE_DAY
    country: str | None = None
    holidays: frozenset[date] = frozenset()
    working_days: frozenset[date] = frozenset()
    closed_for_good: date | None = None

    @property
    def has_hours(self) -> bool:
        """Whether it is known when the site is open; if not, opening time is no data."""
        return self.week is not None
