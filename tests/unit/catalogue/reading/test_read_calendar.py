"""What `[calendar]` and `[site.X]` may say, and which line is named if it is wrong."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from builders import CATALOGUE_PATH

from voc_stream.catalogue.load import CatalogueError, load_catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from voc_stream.catalogue.model import Catalogue

AUTOMOTIVE = CATALOGUE_PATH.read_text(encoding="utf-8")
GOOD = """
[calendar]
time_zone = "Asia/Shanghai"
country = "CN"
open = { monday = "08:00-18:00", tuesday = ["08:00-12:00", "13:00-18:00"] }
holidays = [2025-10-04, "2025-10-05/2025-10-06"]
working_days = ["2025-10-07"]

[site."s-2"]
time_zone = "Europe/Berlin"
country = "DE-BY"
open = { sunday = "10:00-24:00", working_day = "10:00-12:00" }
working_days = ["2025-10-04"]
holidays = ["2025-10-07"]

[site.s-3]
closed_for_good = 2026-01-01
"""


def error_of(folder: Path, calendar: str) -> str:
    path = folder / "trade.toml"
    path.write_text(f"{AUTOMOTIVE}\n{calendar}", encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    line = AUTOMOTIVE.count("\n") + 1
    number, _, message = str(caught.value).removeprefix(f"{path}:").partition(":")
    return f"{int(number) - line}:{message}"


@pytest.fixture
def good(tmp_path: Path) -> Catalogue:
    path = tmp_path / "trade.toml"
    path.write_text(AUTOMOTIVE + GOOD, encoding="utf-8")
    return load_catalogue(path)


def test_a_catalogue_without_a_calendar_is_of_utc_and_never_closed(tmp_path: Path) -> None:
    """Catalogues that were written before there were calendars mean what they meant."""
    path = tmp_path / "trade.toml"
    path.write_text(AUTOMOTIVE, encoding="utf-8")
    calendar = load_catalogue(path).calendar
    assert (calendar.time_zone, calendar.has_hours, calendar.country) == ("UTC", False, None)


def test_a_site_takes_over_what_it_does_not_state(good: Catalogue) -> None:
    """Days are added to those of the catalogue, and the site's own word about a day counts."""
    base, berlin, closed = good.calendar, good.site["s-2"], good.site["s-3"]
    assert base.week == (((480, 1080),), ((480, 720), (780, 1080)), (), (), (), (), ())
    assert base.make_up_hours == ((480, 1080),)
    assert base.holidays == {date(2025, 10, day) for day in (4, 5, 6)}
    assert (berlin.time_zone, berlin.country) == ("Europe/Berlin", "DE-BY")
    assert berlin.week == ((), (), (), (), (), (), ((600, 1440),))
    assert berlin.make_up_hours == ((600, 720),)
    assert berlin.holidays == {date(2025, 10, day) for day in (5, 6, 7)}
    assert berlin.working_days == {date(2025, 10, 4)}
    assert (closed.week, closed.time_zone) == (base.week, base.time_zone)
    assert closed.closed_for_good == date(2026, 1, 1)


def test_days_of_a_file_are_days_of_the_catalogue(tmp_path: Path) -> None:
    """So one list serves many catalogues; and another list is another catalogue, for its digest."""
    days = tmp_path / "days.toml"
    path = tmp_path / "trade.toml"
    path.write_text(
        f'{AUTOMOTIVE}\n[calendar]\nholidays = ["2026-01-01"]\ndays_file = "days.toml"\n',
        encoding="utf-8",
    )
    days.write_text('holidays = ["2026-02-16/2026-02-17"]\nworking_days = [2026-02-14]\n')
    first = load_catalogue(path)
    days.write_text('holidays = ["2026-02-16/2026-02-18"]\nworking_days = [2026-02-14]\n')
    second = load_catalogue(path)
    assert first.calendar.holidays == {date(2026, 1, 1), date(2026, 2, 16), date(2026, 2, 17)}
    assert first.calendar.working_days == {date(2026, 2, 14)}
    assert first.digest != second.digest


NO_HOURS = 'must be hours, as "08:00-18:00"'
WRONG = [
    ('[calendar]\ntime_zone = "Peking"', "2: calendar.time_zone: 'Peking' is no IANA time zone"),
    ("[calendar]\ntime_zone = 8", "2: calendar.time_zone: 8 is no IANA time zone"),
    ('[calendar]\ntime_zone = "../etc"', "2: calendar.time_zone: '../etc' is no IANA time zone"),
    (
        '[calendar]\ncountry = "Narnia"',
        "2: calendar.country: 'Narnia' is no country whose holidays",
    ),
    ("[calendar]\nclosed_for_good = 2026-01-01", "2: calendar.closed_for_good: there is no such"),
    ("[calendar]\nzone = 1", "2: calendar.zone: there is no such key; the keys are time_zone, "),
    ('[calendar]\nopen = "08:00-18:00"', "2: calendar.open: must be a table"),
    ("[calendar.open]\nmon = []", "2: calendar.open.mon: is no weekday; the keys are monday, "),
    ("[calendar.open]\nmonday = 8", f"2: calendar.open.monday: {NO_HOURS}, or a list of them"),
    ('[calendar.open]\nmonday = "8-18"', f"2: calendar.open.monday: '8-18' {NO_HOURS}"),
    ('[calendar.open]\nmonday = "18:00-08:00"', "2: calendar.open.monday: '18:00-08:00' must end"),
    ('[calendar.open]\nmonday = "08:00-24:01"', "2: calendar.open.monday: '08:00-24:01' must end"),
    ('[calendar.open]\nmonday = "08:60-09:00"', "2: calendar.open.monday: '08:60-09:00' must end"),
    (
        '[calendar.open]\nmonday = ["08:00-12:00", "11:00-18:00"]',
        "2: calendar.open.monday: '11:00-18:00' must begin after the hours before it have ended",
    ),
    ("[calendar.open]\nmonday = []", "1: calendar.open: at least one weekday must be open"),
    ('[calendar]\nholidays = "2026-01-01"', "2: calendar.holidays: must be a list of days"),
    ('[calendar]\nholidays = ["1 May"]', "2: calendar.holidays: '1 May' is no day and no range"),
    (
        '[calendar]\nholidays = ["2026-01-02/2026-01-01"]',
        "2: calendar.holidays: '2026-01-02/2026-01-01' is no day and no range of days",
    ),
    (
        "[calendar]\nholidays = [2026-01-01]\nworking_days = [2026-01-01]",
        "3: calendar.working_days: 2026-01-01 is a holiday and a working day: remove one",
    ),
    ('[calendar]\ndays_file = "none.toml"', "2: calendar.days_file: "),
    ("[calendar]\ndays_file = 1", "2: calendar.days_file: must be the name of a TOML file"),
    ("[site.x]\nclosed_for_good = true", "2: site.x.closed_for_good: True is no day"),
    (
        '[site.x]\nclosed_for_good = "2026-01-01/2026-01-02"',
        "2: site.x.closed_for_good: must be one day, the first on which it is closed",
    ),
    ('[site."x y"]\nopened = 1', '2: site."x y".opened: there is no such key; the keys are'),
    ("[site]\nx = 1", "2: site.x: must be a table"),
]


@pytest.mark.parametrize(("calendar", "message"), WRONG)
def test_error_names_line_and_key(tmp_path: Path, calendar: str, message: str) -> None:
    """Whatever is wrong, the message leads to the line and says what would be right."""
    assert error_of(tmp_path, calendar).startswith(message)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("holidays = [", "is not valid TOML"),
        ("days = []", "may hold the lists holidays and working_days, not days"),
        ("holidays = 1", "may hold the lists holidays and working_days, not holidays"),
    ],
)
def test_a_wrong_days_file_is_named(tmp_path: Path, content: str, problem: str) -> None:
    """With its own name, and the line of the catalogue that asks for it."""
    (tmp_path / "days.toml").write_text(content, encoding="utf-8")
    found = error_of(tmp_path, '[calendar]\ndays_file = "days.toml"')
    assert found.startswith(f"2: calendar.days_file: {tmp_path / 'days.toml'} ")
    assert problem in found


def test_calendars_are_tables_of_the_catalogue(tmp_path: Path) -> None:
    """A key in the place of a table is a mistake, not an empty calendar."""
    path = tmp_path / "trade.toml"
    for key in ("calendar", "site"):
        path.write_text(f"{key} = 1\n{AUTOMOTIVE}", encoding="utf-8")
        with pytest.raises(CatalogueError, match=f"trade.toml:1: {key}: must be a table"):
            load_catalogue(path)
