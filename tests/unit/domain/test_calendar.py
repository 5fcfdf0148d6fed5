"""Local days and opening time, beside the oracle's, which looks at each minute."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracle import calendar as oracle

from voc_stream.catalogue.calendar import SiteCalendar
from voc_stream.catalogue.reading.read_calendar import read_calendar
from voc_stream.domain.calendar import Calendar
from voc_stream.domain.moment import MICROSECOND, from_microseconds, microseconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

OFFICE = """
[calendar]
time_zone = "{zone}"
open = {{ monday = "08:00-18:00", tuesday = "08:00-18:00", wednesday = "08:00-18:00",
  thursday = "08:00-18:00", friday = ["08:00-12:00", "13:00-17:30"] }}
"""


def fail(path: Sequence[str], problem: str) -> NoReturn:
    raise AssertionError((path, problem))


def both(toml: str) -> tuple[dict[str, Any], Calendar]:
    """What a catalogue says of its calendar, for the oracle and for the program."""
    tables = tomllib.loads(toml.replace(",\n", ","))
    return tables, Calendar(read_calendar(tables["calendar"], ("calendar",), None, fail))


def office(zone: str, more: str = "") -> tuple[dict[str, Any], Calendar]:
    return both(OFFICE.format(zone=zone) + more)


def minutes(calendar: Calendar, start: datetime, end: datetime) -> float:
    return calendar.opening_time(start, end) / timedelta(minutes=1)


ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
FIRST, LAST = datetime(2024, 12, 30), datetime(2026, 1, 2)  # noqa: DTZ001  hypothesis adds it
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
# Shops of the night are open while clocks change.
NIGHTS = st.sampled_from(
    ["00:00-24:00", "00:00-02:30", "02:30-10:00", "01:15-03:45", "22:00-24:00"]
)


def test_half_past_seven_in_shanghai_counts_on_its_own_day() -> None:
    """In UTC it is the evening before."""
    _, shanghai = office("Asia/Shanghai")
    moment = datetime.fromisoformat("2025-06-10T07:30:00+08:00")
    assert shanghai.day_of(moment) == date(2025, 6, 10)
    assert moment.astimezone(UTC).date() == date(2025, 6, 9)


@given(st.sampled_from(ZONES), MOMENTS)
def test_the_local_day_is_that_of_the_clock_on_the_wall(zone: str, moment: datetime) -> None:
    """Whatever the zone and the season."""
    toml, calendar = office(zone)
    assert calendar.day_of(moment) == oracle.local_day(toml, "s-1", moment)


@given(
    st.sampled_from(ZONES),
    st.dictionaries(st.sampled_from(oracle.WEEKDAYS), NIGHTS, min_size=1),
    MOMENTS,
    st.timedeltas(timedelta(0), timedelta(days=6)),
)
@example(
    "Europe/Berlin", {"sunday": "00:00-02:30"}, datetime(2025, 3, 29, tzinfo=UTC), timedelta(2)
)
@example(
    "Europe/Berlin", {"sunday": "00:00-02:30"}, datetime(2025, 10, 25, tzinfo=UTC), timedelta(2)
)
@example(
    "Europe/Berlin", {"sunday": "02:30-10:00"}, datetime(2025, 3, 29, tzinfo=UTC), timedelta(2)
)
@example(
    "America/New_York", {"sunday": "01:15-03:45"}, datetime(2025, 3, 9, tzinfo=UTC), timedelta(1)
)
@example(
    "America/New_York", {"sunday": "01:15-03:45"}, datetime(2025, 11, 2, tzinfo=UTC), timedelta(1)
)
def test_opening_time_is_that_of_each_minute(
    zone: str, week: dict[str, str], start: datetime, length: timedelta
) -> None:
    """Opening time is exact to the microsecond.

    Over nights, weekends, the turn of the year and both changes of clocks.
    """
    toml = {"calendar": {"time_zone": zone, "open": week}}
    calendar = Calendar(read_calendar(toml["calendar"], ("calendar",), None, fail))
    end = start + length
    assert calendar.opening_time(start, end) == oracle.opening_time(toml, "s-1", start, end)


def test_an_overnight_dispatch_counts_opening_minutes_only() -> None:
    """Dispatched at 17:50, taken up at 07:31: 821 minutes on the clock, 10 of them open."""
    _, calendar = office("Asia/Shanghai")
    start = datetime.fromisoformat("2025-06-10T17:50:00+08:00")
    assert minutes(calendar, start, start + timedelta(minutes=821)) == 10


def test_golden_week_and_its_swapped_sunday() -> None:
    """China 2025: 1 to 8 October are off.

    Sunday 28 September and Saturday 11 October are worked.
    """
    toml, calendar = office("Asia/Shanghai", 'country = "CN"')
    days = [date(2025, 9, 22) + timedelta(days=number) for number in range(24)]
    worked = [day.day for day in days if calendar.hours_of(day)]
    assert worked == [22, 23, 24, 25, 26, 28, 29, 30, 9, 10, 11, 13, 14, 15]
    assert calendar.hours_of(date(2025, 9, 28)) == ((480, 1080),), "as on its first open weekday"
    start, end = (
        datetime.fromisoformat(f"2025-{day}T12:00:00+08:00") for day in ("09-26", "10-12")
    )
    assert minutes(calendar, start, end) == oracle.opening_minutes(toml, "s-1", start, end)


@pytest.mark.parametrize(
    ("zone", "night", "hours"),
    [
        ("Europe/Berlin", "2025-03-30", 23),
        ("Europe/Berlin", "2025-10-26", 25),
        ("America/New_York", "2025-03-09", 23),
        ("America/New_York", "2025-11-02", 25),
    ],
)
def test_a_day_on_which_the_clock_changes_is_shorter_or_longer(
    zone: str, night: str, hours: int
) -> None:
    """A hotel that never closes is open for 23 or 25 hours then."""
    _, calendar = both(f'[calendar]\ntime_zone = "{zone}"\nopen = {{ sunday = "00:00-24:00" }}')
    start = datetime.fromisoformat(night).replace(tzinfo=UTC) - timedelta(days=1)
    assert minutes(calendar, start, start + timedelta(days=3)) == 60 * hours


@settings(max_examples=15)
@pytest.mark.parametrize("in_opening_time", [True, False])
@pytest.mark.parametrize(
    "more",
    ['country = "CN"', "", "[site.s-1]\nclosed_for_good = 2025-11-03"],
    ids=["golden week", "weekends", "closed for good"],
)
@given(
    start=st.datetimes(datetime(2025, 9, 20), datetime(2025, 11, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    wait=st.timedeltas(timedelta(0), timedelta(days=2)),
)
@example(datetime(2025, 10, 28, 9, tzinfo=UTC), timedelta(hours=1))  # used up as the site closes
def test_the_end_of_a_wait_is_that_of_each_minute(
    more: str, in_opening_time: bool, start: datetime, wait: timedelta
) -> None:
    """It is the last moment at which nobody has waited longer, and None if it never comes."""
    toml, _ = office("Asia/Shanghai", more)
    toml["limits"] = {"in_opening_time": in_opening_time}
    default = read_calendar(toml["calendar"], ("calendar",), None, fail)
    calendar = Calendar(read_calendar(toml.get("site", {}).get("s-1", {}), (), default, fail))
    found = calendar.end_of_wait(
        microseconds_of(start), wait // MICROSECOND, in_opening_time=in_opening_time
    )
    end = None if found is None else from_microseconds(found)
    assert end == oracle.end_of_wait(toml, "s-1", start, wait)
    if end is not None:
        waiting = calendar.time_on_open_days
        if in_opening_time and calendar.has_hours:
            waiting = calendar.opening_time
        assert waiting(start, end) == wait < waiting(start, end + MICROSECOND)


def test_a_site_closed_for_good_never_opens_again() -> None:
    """From its first closed day on it has no hours, whatever its week says."""
    calendar = Calendar(SiteCalendar(closed_for_good=date(2025, 6, 10)))
    evening = datetime(2025, 6, 9, 23, 0, tzinfo=UTC)
    assert minutes(calendar, evening, evening + timedelta(days=30)) == 60
    assert not calendar.is_closed_for_good(evening)
    assert calendar.is_closed_for_good(evening + timedelta(hours=1))


def test_days_of_a_site_count_before_those_of_the_catalogue() -> None:
    """A shop in the airport works on the holiday of the others, and has a day off of its own."""
    base = read_calendar({"holidays": ["2025-10-01"], "country": "CN"}, (), None, fail)
    stated = {"working_days": ["2025-10-01", "2025-10-02"], "holidays": ["2025-09-28"]}
    calendar = Calendar(read_calendar(stated, (), base, fail))
    worked = [
        bool(calendar.hours_of(date(2025, *day))) for day in ((9, 28), (10, 1), (10, 2), (10, 3))
    ]
    assert worked == [False, True, True, False]
