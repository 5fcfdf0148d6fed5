"""Reads the text of a cell as a moment.

It may be ISO 8601 with separators, a format of strptime, or one of three kinds of numbers. A number
alone is never guessed: 1712101612345 is milliseconds in 2024 and also an ISO 8601 time of the year
1712. So ISO 8601 needs its separators, and numbers need a format that names their unit.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,18}(?:\.\d+)?", re.ASCII)
_ISO_ADVICE = (
    "is not a time in ISO 8601 such as 2024-05-03T09:12:00; set `time_formats` in [input] or"
    " `formats` of the field"
)
_NUMBER_ADVICE = (
    "is a number, not a time in ISO 8601; set `time_formats` in [input] or `formats` of the field "
    "to `epoch` (seconds), `epoch_ms` (milliseconds) or `excel` (days of a spreadsheet)"
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Milliseconds before March 1973 are more likely seconds of today: all would be of January 1970.
_LEAST_EPOCH_MILLISECONDS = 100_000_000_000
# Day 60 of a spreadsheet is a 29 February 1900 that never was; before it the count is off by one.
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  a spreadsheet's days have no zone
_LEAST_EXCEL_DAY = 61
_GREATEST_EXCEL_DAY = 2_958_466

# Hours of the day that each word can mean, most of them as Unicode's locale data says for Chinese.
_DAY_PERIODS: Mapping[str, range] = {
    "am": range(12),
    "pm": range(12, 24),
    "上午": range(12),
    "下午": range(12, 24),
    "凌晨": range(6),
    "清晨": range(4, 10),
    "早上": range(4, 12),
    "早晨": range(4, 12),
    "中午": range(11, 14),
    "傍晚": range(16, 20),
    "晚上": range(17, 24),
}
_DAY_PERIOD = re.compile(
    "|".join([r"\b[ap]\.m\.", "[ap]m", *list(_DAY_PERIODS)[2:]]), re.IGNORECASE
)
_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)


def parse_time(text: str, formats: tuple[str, ...], time_zone: tzinfo) -> str:
    """The moment in RFC 3339, in UTC, so that one moment is one text however it was written.

    Args:
        text: ISO 8601 where there are no formats.
        formats: Tried in their order: `epoch`, `epoch_ms`, `excel`, or as `datetime.strptime`.
        time_zone: For a time without an offset. Of an hour that occurs twice at the end of summer
            time, the first is meant.

    Raises:
        ValueError: No format fits.

    >>> parse_time("2011-10-11 13:42:22+02:00", (), UTC)
    '2011-10-11T11:42:22Z'
    >>> parse_time("2026年11月20日 下午9:05", ("%Y年%m月%d日 %p%I:%M",), UTC)
    '2026-11-20T21:05:00Z'
    >>> parse_time("1712101612345", ("epoch_ms",), UTC)
    '2024-04-02T23:46:52.345000Z'
    """
    moment = _parse_formats(text, formats) if formats else _parse_iso(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=time_zone)
    try:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise ValueError("is a time out of range") from None


def format_problem(form: str) -> str | None:
    """Why no time can be read by this format, or None.

    >>> format_problem("%d.%m.%Y %I:%M")
    '%I is an hour of twelve: add %p, which reads AM, PM, 上午 and 下午, or write %H for 24 hours'
    """
    if form in _NUMBER_FORMATS:
        return None
    directives = set(_DIRECTIVE.findall(form.replace("%%", "")))
    if not directives:
        return f"is neither a format with %Y, %m and %d nor one of {', '.join(_NUMBER_FORMATS)}"
    try:
        datetime.strptime("", form)  # noqa: DTZ007  only whether it knows the directives
    except ValueError as error:
        if "does not match format" not in str(error):
            return f"is no format of a time: {error}"
    return _directives_problem(directives)


def _directives_problem(directives: set[str]) -> str | None:
    if "Z" in directives:
        return "%Z reads a name but no offset: write the name itself and set `time_zone`, or use %z"
    if "I" in directives and "p" not in directives:
        return (
            "%I is an hour of twelve: add %p, which reads AM, PM, 上午 and 下午, or write %H for 24"
            " hours"
        )
    has_year = directives & set("YyGcx")
    has_day = directives & set("jcx") or ("d" in directives and directives & set("mbB"))
    has_week_day = directives & set("VUW") and directives & set("uwaA")
    if not has_year or not (has_day or has_week_day):
        return "names no whole day: it needs %Y, %m and %d"
    return None


def _parse_iso(text: str) -> datetime:
    if not _ISO.fullmatch(text):
        raise ValueError(_NUMBER_ADVICE if _NUMBER.fullmatch(text) else _ISO_ADVICE)
    try:
        return datetime.fromisoformat(text.upper().replace(",", "."))
    except ValueError:
        raise ValueError(_ISO_ADVICE) from None


def _parse_formats(text: str, formats: tuple[str, ...]) -> datetime:
    problem = ""
    for form in formats:
        try:
            read = _NUMBER_FORMATS.get(form)
            return _parse_format(text, form) if read is None else read(_number(text))
        except OverflowError:
            problem = ": it is a time out of range"
        except _UnitError as error:
            problem = f": {error}"
        except ValueError:
            continue
    raise ValueError(f"is not a time as in {', '.join(formats)}{problem}")


class _UnitError(ValueError):
    """A number that the format's unit makes implausible.

    The message says which unit it would suit.
    """


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def _from_epoch(seconds: float) -> datetime:
    if seconds >= _LEAST_EPOCH_MILLISECONDS:
        raise _UnitError("it has so many digits that it counts milliseconds; use `epoch_ms`")
    return _EPOCH + timedelta(seconds=seconds)


def _from_epoch_milliseconds(milliseconds: float) -> datetime:
    if milliseconds < _LEAST_EPOCH_MILLISECONDS:
        raise _UnitError("it has too few digits for milliseconds; use `epoch`")
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _from_excel(days: float) -> datetime:
    if not _LEAST_EXCEL_DAY <= days < _GREATEST_EXCEL_DAY:
        raise _UnitError("days count from 1900, so they lie between 61 and 2958465")
    # A fraction of a day has too few digits for a second; without this, 9:05 would be 9:04:59.999.
    return _EXCEL_DAY_ZERO + timedelta(seconds=round(days * 86_400, 2))


_NUMBER_FORMATS: Mapping[str, Callable[[float], datetime]] = {
    "epoch": _from_epoch,
    "epoch_ms": _from_epoch_milliseconds,
    "excel": _from_excel,
}


def _parse_format(text: str, form: str) -> datetime:
    if "%p" not in form:
        return datetime.strptime(text, form)  # noqa: DTZ007  the caller adds the zone
    found = list(_DAY_PERIOD.finditer(text))
    if not found:
        raise ValueError
    start, end = found[-1].span()
    # %p itself knows only the words of the process's language, and is ignored beside %H.
    moment = datetime.strptime(f"{text[:start]}AM{text[end:]}", form)  # noqa: DTZ007  as above
    hours = _DAY_PERIODS[text[start:end].lower().replace(".", "")]
    for hour in (moment.hour, moment.hour + 12):
        if hour in hours:
            return moment.replace(hour=hour)
    raise _UnitError(f"{text[start:end]} has no hour {moment.hour or 12}")
