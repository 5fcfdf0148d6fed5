from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.importing.cell_times import format_problem, parse_time

CHINESE = "%Y年%m月%d日 %p%I:%M"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001  the strategy wants naive bounds
def test_moment_is_one_text_however_it_is_written(moment: datetime, hours: int) -> None:
    """An event_id made of a time must not depend on the offset that an export happens to use."""
    aware = moment.replace(tzinfo=UTC)
    there = aware.astimezone(timezone(timedelta(hours=hours)))
    assert parse_time(there.isoformat(), (), UTC) == parse_time(
        aware.isoformat(" "), (), ZoneInfo("Asia/Shanghai")
    )


def test_time_without_offset_is_of_the_given_zone() -> None:
    """Summer and winter have their own offset; of the hour that occurs twice the first is meant."""
    zone = ZoneInfo("Europe/Amsterdam")
    assert parse_time("2011-07-01 12:00", (), zone) == "2011-07-01T10:00:00Z"
    assert parse_time("2011-12-01 12:00", (), zone) == "2011-12-01T11:00:00Z"
    assert (
        parse_time("30.10.2011 02:30", ("%Y/%m/%d", "%d.%m.%Y %H:%M"), zone)
        == "2011-10-30T00:30:00Z"
    )
    with pytest.raises(ValueError, match=r"is not a time as in %d\.%m\.%Y"):
        parse_time("2011-10-30", ("%d.%m.%Y",), zone)


@given(st.integers(0, 10**19))
def test_number_alone_is_never_a_time(number: int) -> None:
    """13 digits are milliseconds and, to a lenient reader, a date of the year 1712.

    Without a format they are refused.
    """
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_time(str(number), (), UTC)


@pytest.mark.parametrize(
    "text",
    [
        "20240503T091200Z",
        "2024W185",
        "2024-W18-5",
        "2024-123",
        "2024-05-03T0912",
        "2024-05-03x09:12",
    ],
)
def test_iso_needs_its_separators(text: str) -> None:
    """What could be read in two ways is not read."""
    with pytest.raises(ValueError, match="is not a time in ISO 8601"):
        parse_time(text, (), UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-03", "2024-05-03T00:00:00Z"),
        ("2024-05-03T09:12", "2024-05-03T09:12:00Z"),
        ("2024-05-03 09:12:30,5", "2024-05-03T09:12:30.500000Z"),
        ("2024-05-03t09:12:30.123456z", "2024-05-03T09:12:30.123456Z"),
        ("2024-05-03T09:12:30+0800", "2024-05-03T01:12:30Z"),
        ("2024-05-03T09:12:30+08", "2024-05-03T01:12:30Z"),
    ],
)
def test_usual_forms_of_iso(text: str, moment: str) -> None:
    """With separators, everything that exports usually write is read."""
    assert parse_time(text, (), UTC) == moment


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("1712101612345", "epoch_ms", "2024-04-02T23:46:52.345000Z"),
        ("1764400000", "epoch", "2025-11-29T07:06:40Z"),
        ("1764400000.5", "epoch", "2025-11-29T07:06:40.500000Z"),
        ("45250", "excel", "2023-11-19T16:00:00Z"),
        ("45250.378472222", "excel", "2023-11-20T01:05:00Z"),
        ("61", "excel", "1900-02-28T15:54:17Z"),
    ],
)
def test_numbers_are_read_in_the_unit_that_the_format_names(
    text: str, form: str, moment: str
) -> None:
    """Seconds and milliseconds are moments.

    Days of a spreadsheet are of the given zone, to the second that was meant.
    """
    assert parse_time(text, (form,), ZoneInfo("Asia/Shanghai")) == moment


@pytest.mark.parametrize(
    ("text", "form", "problem"),
    [
        (
            "1712101612345",
            "epoch",
            "it has so many digits that it counts milliseconds; use `epoch_ms`",
        ),
        ("1764400000", "epoch_ms", "it has too few digits for milliseconds; use `epoch`"),
        ("60", "excel", "days count from 1900, so they lie between 61 and 2958465"),
        ("999999999999999999", "epoch_ms", "it is a time out of range"),
        ("2026年11月20日 晚上12:05", CHINESE, "晚上 has no hour 12"),
    ],
)
def test_implausible_number_says_what_it_may_be(text: str, form: str, problem: str) -> None:
    """Milliseconds read as seconds, or the other way round, would be a date that nobody notices."""
    with pytest.raises(ValueError, match=f"^is not a time as in {form}: {problem}$"):
        parse_time(text, (form,), UTC)


def test_formats_of_both_units_stand_beside_each_other() -> None:
    """A column with both seconds and milliseconds is told by its digits."""
    formats = ("epoch", "epoch_ms")
    assert parse_time("1764400000", formats, UTC) == parse_time("1764400000000", formats, UTC)


@pytest.mark.parametrize(
    ("words", "hour"),
    [
        ("上午9", 9),
        ("下午9", 21),
        ("上午12", 0),
        ("下午12", 12),
        ("AM9", 9),
        ("pm9", 21),
        ("p.m.9", 21),
        ("凌晨12", 0),
        ("凌晨3", 3),
        ("早上8", 8),
        ("中午11", 11),
        ("中午12", 12),
        ("中午1", 13),
        ("傍晚6", 18),
        ("晚上9", 21),
    ],
)
def test_words_for_the_half_of_the_day(words: str, hour: int) -> None:
    """English and Chinese words, whatever the language of the process.

    Each hour is the only one that the word allows.
    """
    assert (
        parse_time(f"2026年11月20日 {words}:05", (CHINESE,), UTC) == f"2026-11-20T{hour:02}:05:00Z"
    )


def test_word_beside_an_hour_of_24_is_not_ignored() -> None:
    """`%H` with `%p` reads both 14:05 PM and 2:05 PM."""
    formats = ("%Y-%m-%d %H:%M %p",)
    assert (
        parse_time("2026-11-20 14:05 PM", formats, UTC)
        == parse_time("2026-11-20 2:05 PM", formats, UTC)
        == "2026-11-20T14:05:00Z"
    )
    with pytest.raises(ValueError, match="AM has no hour 14"):
        parse_time("2026-11-20 14:05 AM", formats, UTC)


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("%Y-%m-%d %I:%M", "%I is an hour of twelve: add %p"),
        ("%d.%m. %H:%M", "names no whole day"),
        ("%Y-%m", "names no whole day"),
        ("%Y-%m-%d %Z", "%Z reads a name but no offset"),
        ("%Y-%m-%d %Q", "is no format of a time: 'Q' is a bad directive"),
        ("Excel", "is neither a format with %Y, %m and %d nor one of epoch, epoch_ms, excel"),
    ],
)
def test_format_that_would_read_wrongly_is_refused(form: str, problem: str) -> None:
    """A format must not guess.

    One that leaves out the half of the day, the year or the offset would guess it for every row.
    """
    assert str(format_problem(form)).startswith(problem)


@pytest.mark.parametrize(
    "form",
    [
        "epoch",
        "epoch_ms",
        "excel",
        CHINESE,
        "%d.%m.%y",
        "%Y %j",
        "%c",
        "%G-W%V-%u",
        "%d %b %Y %I%p 100%%",
    ],
)
def test_whole_formats_are_allowed(form: str) -> None:
    """The checks refuse no more than they say."""
    assert format_problem(form) is None
