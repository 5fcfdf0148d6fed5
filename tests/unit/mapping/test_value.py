from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.mapping.value import CellError, Scale, Source, Template, ValueKind, parse_time

NOTHING_EMPTY: frozenset[str] = frozenset()


def source(
    text: str, kind: ValueKind = "text", scale: Scale | None = None, table: dict[str, str | int | float | bool] | None = None
) -> Source:
    return Source(Template.parse(text), kind, scale=scale, table=table, table_name="t")


@given(st.text())
def test_escaped_text_renders_as_itself(text: str) -> None:
    """Any text can be a constant, once its braces are doubled."""
    template = Template.parse(text.replace("{", "{{").replace("}", "}}"))
    assert template.render({}, NOTHING_EMPTY) == text


@pytest.mark.parametrize("text", ["{", "}", "a{b", "{}", "{a}}", "{{a}"])
def test_lone_brace_is_refused(text: str) -> None:
    """A brace that is neither doubled nor part of a column is a slip, not a text."""
    with pytest.raises(ValueError, match="brace"):
        Template.parse(text)


def test_value_is_absent_where_one_of_its_columns_is_empty() -> None:
    """No data is None: half a template is no value, and neither is a cell that the mapping counts as empty."""
    template = Template.parse("{a}-{b}")
    assert template.render({"a": "1", "b": "2"}, NOTHING_EMPTY) == "1-2"
    assert template.render({"a": "1", "b": ""}, NOTHING_EMPTY) is None
    assert template.render({"a": "1"}, NOTHING_EMPTY) is None
    assert template.render({"a": "1", "b": "NA"}, frozenset({"NA"})) is None


@given(st.floats(1, 10))
def test_scale_keeps_ends_and_order(number: float) -> None:
    """1 to 10 becomes 0 to 10 linearly, and never leaves the range."""
    scale = Scale(1, 10, 0, 10)
    assert (scale.apply(1), scale.apply(10)) == (0, 10)
    assert 0 <= scale.apply(number) <= 10
    assert scale.apply(number) == pytest.approx((number - 1) * 10 / 9)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("number", "seven", "column 'x': 'seven' is not a number"),
        ("number", "nan", "is not a number"),
        ("number", "inf", "is not a number"),
        ("number", "1_0", "is not a number"),
        ("number", "7,5", "is not a number; a point separates decimals"),
        ("integer", "7.5", "is not a whole number"),
        ("yes_no", "maybe", "is neither yes nor no"),
        ("time", "yesterday", "is not a time in ISO 8601"),
        ("time", "0001-01-01T00:00:00+05:00", "is a time out of range"),
    ],
)
def test_cell_that_does_not_suit_is_named(kind: ValueKind, text: str, message: str) -> None:
    """The message has the column and the value, so that the row can be mended."""
    with pytest.raises(CellError, match=message):
        source("{x}", kind).read({"x": text}, NOTHING_EMPTY)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "7.5", 7.5),
        ("number", "-.5e1", -5.0),
        ("integer", "9", 9),
        ("integer", "9.0", 9),
        ("yes_no", "Yes", True),
        ("yes_no", "0", False),
    ],
)
def test_cell_becomes_the_type_of_its_field(kind: ValueKind, text: str, value: object) -> None:
    """A cell is text; the field decides what it is read as."""
    assert source("{x}", kind).read({"x": text}, NOTHING_EMPTY) == value


def test_number_outside_its_scale_is_refused() -> None:
    """An 11 on a scale from 1 to 10 is a mistake, not a very good score."""
    with pytest.raises(CellError, match="'11' is outside the scale from 1 to 10"):
        source("{x}", "number", Scale(1, 10, 0, 10)).read({"x": "11"}, NOTHING_EMPTY)


def test_value_missing_in_a_table_is_named_with_the_table() -> None:
    """What the table does not translate is not guessed."""
    with pytest.raises(CellError, match=r"column 'x': 'b' is not in \[table.t\]"):
        source("{x}", table={"a": 1}).read({"x": "b"}, NOTHING_EMPTY)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001  the strategy wants naive bounds
def test_moment_is_one_text_however_it_is_written(moment: datetime, hours: int) -> None:
    """An event_id made of a time must not depend on the offset that an export happens to use."""
    aware = moment.replace(tzinfo=UTC)
    there = aware.astimezone(timezone(timedelta(hours=hours)))
    assert parse_time(there.isoformat(), (), UTC) == parse_time(aware.isoformat(" "), (), ZoneInfo("Asia/Shanghai"))


def test_time_without_offset_is_of_the_given_zone() -> None:
    """Summer and winter have their own offset; of the hour that occurs twice the first is meant."""
    zone = ZoneInfo("Europe/Amsterdam")
    assert parse_time("2011-07-01 12:00", (), zone) == "2011-07-01T10:00:00Z"
    assert parse_time("2011-12-01 12:00", (), zone) == "2011-12-01T11:00:00Z"
    assert parse_time("30.10.2011 02:30", ("%Y/%m/%d", "%d.%m.%Y %H:%M"), zone) == "2011-10-30T00:30:00Z"
    with pytest.raises(ValueError, match=r"is not a time as in %d\.%m\.%Y"):
        parse_time("2011-10-30", ("%d.%m.%Y",), zone)


def test_constant_needs_no_columns() -> None:
    """A value without braces is the same for every row."""
    assert source("completed").read({}, NOTHING_EMPTY) == "completed"
    assert source("7", "number").read({}, NOTHING_EMPTY) == 7
