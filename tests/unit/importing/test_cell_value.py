from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.importing.cell_value import CellError, Scale, Source, Template, ValueKind

NOTHING_EMPTY: frozenset[str] = frozenset()


def source(
    text: str,
    kind: ValueKind = "text",
    scale: Scale | None = None,
    table: dict[str, str | int | float | bool] | None = None,
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
    """No data is None.

    Half a template is no value, and neither is a cell that the mapping counts as empty.
    """
    template = Template.parse("{a}-{b}")
    assert template.render({"a": "1", "b": "2"}, NOTHING_EMPTY) == "1-2"
    assert template.render({"a": "1", "b": ""}, NOTHING_EMPTY) is None
    assert template.render({"a": "1"}, NOTHING_EMPTY) is None
    assert template.render({"a": "1", "b": "NA"}, frozenset({"NA"})) is None


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_scale_maps_ends_to_ends(
    low: float, width: float, target_low: float, target_high: float
) -> None:
    """The ends of one range become those of the other.

    Also if that does not start at 0, or descends.
    """
    scale = Scale(low, low + width, target_low, target_high)
    assert scale.apply(low) == target_low
    assert scale.apply(low + width) == pytest.approx(target_high, rel=1e-12, abs=1e-9)
    assert Scale(1, 5, 2, 10).apply(1) == 2
    assert Scale(1, 5, 2, 10).apply(5) == 10
    assert Scale(0, 4, 10, 0).apply(4) == 0


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
        (
            "number",
            "7,5",
            'is not a number: it has a decimal comma; set `decimal = ","` in \\[input\\]',
        ),
        ("number", "1.000,5", "is not a number; a point separates decimals"),
        ("integer", "7.5", "is not a whole number$"),
        ("yes_no", "maybe", "is neither yes nor no"),
        ("time", "yesterday", "is not a time in ISO 8601"),
        ("time", "0001-01-01T00:00:00+05:00", "is a time out of range"),
    ],
)
def test_cell_that_does_not_suit_is_named(kind: ValueKind, text: str, message: str) -> None:
    """The message has the column and the value, so that the row can be mended."""
    with pytest.raises(CellError, match=message):
        source("{x}", kind).read({"x": text}, NOTHING_EMPTY)


def test_a_whole_number_that_scaling_breaks_is_told_so() -> None:
    """The cell itself is whole, so the message must say where the fraction comes from."""
    halves = source("{x}", "integer", scale=Scale(0, 10, 0, 5))
    assert halves.read({"x": "4"}, NOTHING_EMPTY) == 2
    with pytest.raises(CellError, match="is not a whole number after scaling"):
        halves.read({"x": "7"}, NOTHING_EMPTY)


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


@pytest.mark.parametrize(("text", "value"), [("7,5", 7.5), ("-,5", -0.5), ("8", 8.0)])
def test_decimal_comma_is_read_where_the_mapping_says_so(text: str, value: float) -> None:
    """A comma before the decimals, and then a point is no part of a number.

    1.234 would be a thousand or one.
    """
    commas = source("{x}", "number")._replace(decimal=",")
    assert commas.read({"x": text}, NOTHING_EMPTY) == value
    with pytest.raises(CellError, match="is not a number; a comma separates decimals"):
        commas.read({"x": "8.5"}, NOTHING_EMPTY)


def test_decimal_comma_of_a_day_number() -> None:
    """A spreadsheet that writes decimal commas writes its days so, too.

    Other times are left alone.
    """
    days = source("{x}", "time")._replace(decimal=",", formats=("excel", "%d.%m.%Y"))
    assert days.read({"x": "45250,5"}, NOTHING_EMPTY) == "2023-11-20T12:00:00Z"
    assert days.read({"x": "20.11.2023"}, NOTHING_EMPTY) == "2023-11-20T00:00:00Z"


def test_number_outside_its_scale_is_refused() -> None:
    """An 11 on a scale from 1 to 10 is a mistake, not a very good score."""
    with pytest.raises(CellError, match="'11' is outside the scale from 1 to 10"):
        source("{x}", "number", Scale(1, 10, 0, 10)).read({"x": "11"}, NOTHING_EMPTY)


def test_value_missing_in_a_table_is_named_with_the_table() -> None:
    """What the table does not translate is not guessed."""
    with pytest.raises(CellError, match=r"column 'x': 'b' is not in \[table.t\]"):
        source("{x}", table={"a": 1}).read({"x": "b"}, NOTHING_EMPTY)


def test_constant_needs_no_columns() -> None:
    """A value without braces is the same for every row."""
    assert source("completed").read({}, NOTHING_EMPTY) == "completed"
    assert source("7", "number").read({}, NOTHING_EMPTY) == 7


@pytest.mark.parametrize(
    "text", ["1.23457E+15", "1,23457E+15", "1E+12", "-8.6139E+12", "#N/A", "#REF!", "########"]
)
def test_id_that_a_spreadsheet_has_spoilt_is_refused(text: str) -> None:
    """Several customers would become one; as a text it stays what it is."""
    with pytest.raises(CellError, match=r"column 'a': .* spreadsheet"):
        source("{a}", "identifier").read({"a": text}, NOTHING_EMPTY)
    assert source("{a}").read({"a": text}, NOTHING_EMPTY) == text


@pytest.mark.parametrize(
    "text", ["1.5E", "E+12", "12E+15", "1.5e15", "C#1", "#7", "+8613912345678"]
)
def test_id_that_only_looks_odd_is_read(text: str) -> None:
    """What no spreadsheet writes is somebody's id."""
    assert source("{a}", "identifier").read({"a": text}, NOTHING_EMPTY) == text
