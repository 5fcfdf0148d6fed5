"""Lists the openings of one year of a site: when it opens and closes, as moments in UTC.

A local year is made up of spans in which the clock on the wall has one offset from UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from voc_stream.domain.moment import (
    EPOCH,
    MICROSECOND,
    MINUTE_MICROSECONDS,
    from_microseconds,
    microseconds_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from voc_stream.catalogue.calendar import Hours

_DAY = timedelta(days=1)
DAY_MICROSECONDS = 24 * 60 * MINUTE_MICROSECONDS


class Openings(NamedTuple):
    """The openings of a year, ascending, in microseconds since 1970.

    `before` is the opening time before each, and at its end that of the whole year.
    """

    starts: list[int]
    ends: list[int]
    before: list[int]

    def until(self, moment: int) -> int:
        """The opening time of this year up to a moment, in microseconds."""
        number = bisect_right(self.starts, moment) - 1
        if number < 0:
            return 0
        return self.before[number] + min(moment, self.ends[number]) - self.starts[number]


def openings_of(year: int, zone: ZoneInfo, hours_of: Callable[[date], Hours]) -> Openings:
    """The openings of a local year in a time zone, given the hours of each local day."""
    starts: list[int] = []
    ends: list[int] = []
    before = [0]
    for begin, end, offset in _offsets(year, zone):
        day = max(date(year, 1, 1), from_microseconds(begin + offset).date())
        last = min(date(year, 12, 31), from_microseconds(end + offset).date())
        while day <= last:
            midnight = (day - EPOCH.date()).days * DAY_MICROSECONDS - offset
            for opens, closes in hours_of(day):
                start = max(begin, midnight + opens * MINUTE_MICROSECONDS)
                stop = min(end, midnight + closes * MINUTE_MICROSECONDS)
                if start < stop:
                    starts.append(start)
                    ends.append(stop)
                    before.append(before[-1] + stop - start)
            day += _DAY
    return Openings(starts, ends, before)


def year_of(moment: int) -> int:
    """The year, in UTC, of a moment in microseconds since 1970."""
    return from_microseconds(moment).year


def _offsets(year: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """The times of one offset from UTC that make up a local year, in microseconds."""
    begin = microseconds_of(datetime(year, 1, 1, tzinfo=UTC)) - 2 * DAY_MICROSECONDS
    end = microseconds_of(datetime(year, 12, 31, tzinfo=UTC)) + 3 * DAY_MICROSECONDS
    start, offset = begin, _offset(begin, zone)
    for noon in range(begin + DAY_MICROSECONDS, end + 1, DAY_MICROSECONDS):
        if (later := _offset(noon, zone)) != offset:
            change = _change_between(noon - DAY_MICROSECONDS, noon, zone)
            yield start, change, offset
            start, offset = change, later
    yield start, end, offset


def _change_between(before: int, after: int, zone: ZoneInfo) -> int:
    offset = _offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        is_before = _offset(middle, zone) == offset
        before, after = (middle, after) if is_before else (before, middle)
    return after


def _offset(moment: int, zone: ZoneInfo) -> int:
    offset = from_microseconds(moment).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // MICROSECOND
