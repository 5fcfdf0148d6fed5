from __future__ import annotations

import csv
import io
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voc_stream.importing.formats.csv_records import MAXIMUM_ROW_CHARACTERS
from voc_stream.importing.formats.csv_rows import (
    CsvLayout,
    Header,
    read_csv,
)
from voc_stream.importing.formats.rows import ExportError, Row, RowError
from voc_stream.importing.formats.text_encoding import MARK_ERRORS

if TYPE_CHECKING:
    from pathlib import Path


def rows_of(text: str, layout: CsvLayout = CsvLayout()) -> list[Row | RowError]:  # noqa: B008  a tuple
    return list(read_csv(io.StringIO(text, newline=""), layout, is_event=_is_numbered))


def header_of(text: str, layout: CsvLayout = CsvLayout()) -> Header:  # noqa: B008  a tuple
    found: list[Header] = []
    list(read_csv(io.StringIO(text, newline=""), layout, check_header=found.append))
    return found[0]


def test_csv_row_knows_the_line_on_which_it_begins() -> None:
    """With line ends inside cells, the number that is reported is still the one an editor shows."""
    text = 'a,b\r\n"1\n2",x\n\n3, y \n'
    assert list(read_csv(io.StringIO(text, newline=""))) == [
        Row(2, {"a": "1\n2", "b": "x"}),
        Row(5, {"a": "3", "b": "y"}),
    ]


def test_nameless_column_is_called_by_its_place() -> None:
    """The first column of an export from R has no name, and can be used nevertheless."""
    assert list(read_csv(io.StringIO('"";x\n"1";7\n'), CsvLayout(";"))) == [
        Row(2, {"column 1": "1", "x": "7"})
    ]


def test_row_of_another_length_or_encoding_spoils_only_itself() -> None:
    """One bad row costs one row."""
    stream = io.TextIOWrapper(
        io.BytesIO(b"a,b\n1\n\xff,2\n3,4\n"), encoding="utf-8", errors=MARK_ERRORS, newline=""
    )
    short, garbled, good = read_csv(stream)
    assert isinstance(short, RowError)
    assert short.problem.startswith("has 1 cells where the header has 2")
    assert isinstance(garbled, RowError)
    assert (garbled.line, garbled.problem.startswith("is not in the encoding")) == (3, True)
    assert good == Row(4, {"a": "3", "b": "4"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sep=;\n", "line 2: there is no header"),
        ('"a"b\n1\n', "line 1: the header is not valid CSV"),
    ],
)
def test_csv_without_a_header_is_an_error_of_the_file(text: str, message: str) -> None:
    """What makes every row doubtful ends the file, with its line."""
    with pytest.raises(ExportError, match=message):
        rows_of(text)


@pytest.mark.parametrize(
    ("bad", "lines", "goes_on"),
    [
        ('4,"said "great" twice"\n', 1, ""),  # a stray quote inside quotes
        (
            '4,"said great\n',
            1,
            "; reading goes on at line 4",
        ),  # a quote that a later row's quote would close
        (
            '4,"said\ngreat\nsaid\n',
            3,
            "; reading goes on at line 6",
        ),  # and a cell over several lines
    ],
)
def test_stray_quote_costs_its_own_row(bad: str, lines: int, goes_on: str) -> None:
    """After a quote that is wrong, the rows that follow are read, and each keeps its line."""
    text = f'a,b\n1,x\n{bad}5,y\n6,"z, z"\n7,w\n'
    first, error, *rest = rows_of(text)
    assert isinstance(error, RowError)
    assert (first, error.line, error.lines) == (Row(2, {"a": "1", "b": "x"}), 3, lines)
    assert error.problem.startswith("is not valid CSV: ")
    assert error.problem.endswith(f"check its quotes{goes_on}")
    line = 3 + lines
    assert rest == [
        Row(line, {"a": "5", "b": "y"}),
        Row(line + 1, {"a": "6", "b": "z, z"}),
        Row(line + 2, {"a": "7", "b": "w"}),
    ]


CELLS = st.text(st.sampled_from('a9,";\n\r\t é王'), max_size=5)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6))
def test_what_a_csv_writer_writes_is_read(rows: list[list[str]]) -> None:
    """Cells with quotes, delimiters and line ends come back.

    But for the blanks around them and rows of blanks.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *rows])
    found = list(read_csv(io.StringIO(text.getvalue(), newline="")))
    stripped = [[cell.strip() for cell in row] for row in rows]
    assert [list(row.cells.values()) for row in found if isinstance(row, Row)] == list(
        filter(any, stripped)
    )


@given(
    st.lists(
        st.sampled_from(["1,x", "2,y", '3,"z"', '4,"w', '5,"p"q', "6,r,s", 't"', '7,"u', 'v"']),
        max_size=12,
    )
)
def test_no_line_is_lost_in_silence(lines: list[str]) -> None:
    """No line is lost unseen.

    Each stands in a row, in an error that counts it, or in the number of lines that were not read.
    """
    found: list[Row | RowError] = []
    unread = 0
    try:
        for row in read_csv(
            io.StringIO("a,b\n" + "".join(f"{line}\n" for line in lines), newline=""),
            is_event=_is_numbered,
        ):
            found.append(row)  # noqa: PERF402  what came before an error counts
    except ExportError as error:
        unread = int(str(error).rpartition(": ")[2].split()[0])
    told = sum(
        1 + row.cells["b"].count("\n") if isinstance(row, Row) else row.lines for row in found
    )
    assert told + unread == len(lines)


def _is_numbered(row: Row) -> bool:
    return row.cells["a"].isdigit()


def test_cell_that_takes_in_rows_is_refused() -> None:
    """If the lines of a cell are rows of their own, the quote that opens it is the mistake."""
    first, *rest = rows_of('a,b\n4,"said\n5,y\n6,great"\n7,w\n')
    assert isinstance(first, RowError)
    assert first.problem.startswith(
        "a quote opens a cell that takes in the rows up to line 4; check its quotes"
    )
    assert [(row.line, row.cells["a"]) for row in rest if isinstance(row, Row)] == [
        (3, "5"),
        (4, "6"),
        (5, "7"),
    ]


def test_cell_of_several_lines_is_a_cell() -> None:
    """A text with line ends and commas in it is no row, unless an event can be made of it."""
    assert rows_of('a,b\n4,"said\nwell, fine\ngreat"\n') == [
        Row(2, {"a": "4", "b": "said\nwell, fine\ngreat"})
    ]


def test_rest_that_cannot_be_read_is_counted() -> None:
    """If no later line is a row, the lines that nobody read are told as a number."""
    with pytest.raises(
        ExportError,
        match=r"line 3: is not valid CSV: .* 4 lines up to the end of the file were not read",
    ):
        rows_of('a,b\n1,x\n2,"y\n3\n4\n5\n')


def test_last_row_with_a_stray_quote_is_one_row() -> None:
    """Nothing follows it, so nothing was left unread."""
    *_, last = rows_of('a,b\n1,x\n2,"y\n')
    assert isinstance(last, RowError)
    assert (last.line, last.lines) == (3, 1)


def test_memory_does_not_grow_with_the_file_behind_a_quote(tmp_path: Path) -> None:
    """A quote that is never closed, and a line that hardly ends, cost the memory of one row."""
    path = tmp_path / "export.csv"
    path.write_bytes(
        b'a,b\n1,"x\n' + b"22222,333333333\n" * 100_000 + b"y" * 20_000_000 + b"\n4,z\n"
    )
    tracemalloc.start()
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            first, last = (row for row in read_csv(stream) if row.line in {2, 100_004})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(first, RowError)
    assert first.problem.endswith("reading goes on at line 3")
    assert last == Row(100_004, {"a": "4", "b": "z"})
    assert peak < 8 * MAXIMUM_ROW_CHARACTERS


def test_row_that_never_ends_is_refused() -> None:
    """Cells that follow each other without an end of their row do not fill the memory."""
    error, *rest = rows_of("a,b\n" + '"x\n",' * (MAXIMUM_ROW_CHARACTERS // 5) + '"x"\n1,y\n')
    assert isinstance(error, RowError)
    assert (
        error.problem
        == "is not valid CSV: a row has 1,048,576 characters or more; check its quotes; reading"
        " goes on at line 209718"
    )
    assert rest == [Row(209_718, {"a": "1", "b": "y"})]


def test_line_that_is_too_long_is_one_row() -> None:
    """It is refused, not cut, and the next row is read."""
    error, row = rows_of(f"a,b\n1,{'x,' * MAXIMUM_ROW_CHARACTERS}\n2,y\n")
    assert error == RowError(
        2, "is not valid CSV: a row has 1,048,576 characters or more; check its quotes"
    )
    assert row == Row(3, {"a": "2", "b": "y"})


def test_columns_of_one_name_are_called_by_their_places() -> None:
    """Two columns `b` are `column 2` and `column 3`, and whoever asks for `b` is told so."""
    text = "a,b,b\n1,x,y\n"
    assert header_of(text) == Header(
        ("a", "column 2", "column 3"), {"b": ("column 2", "column 3")}, None
    )
    assert rows_of(text) == [Row(2, {"a": "1", "column 2": "x", "column 3": "y"})]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffSEP=;"])
def test_separator_line_says_the_delimiter(first: str) -> None:
    """What a spreadsheet writes above the header is no header.

    It is right about the delimiter.
    """
    assert rows_of(f"{first}\r\na;b\r\n1;x\r\n") == [Row(3, {"a": "1", "b": "x"})]


def test_lines_above_the_header_are_skipped() -> None:
    """A title and an empty line above the header, as reports have them.

    The separator line is one of them.
    """
    assert rows_of('Report, "May\n\na,b\n1,x\n', CsvLayout(skip_lines=2)) == [
        Row(4, {"a": "1", "b": "x"})
    ]
    assert rows_of("sep=;\na;b\n1;x\n", CsvLayout(skip_lines=1)) == [Row(3, {"a": "1", "b": "x"})]


def test_further_header_rows_are_no_rows() -> None:
    """Names in the first, and as many rows left out as the mapping says."""
    assert rows_of("a,b\nNumber,Text\n1,x\n", CsvLayout(header_rows=2)) == [
        Row(3, {"a": "1", "b": "x"})
    ]
    assert rows_of("a,b\nNumber,Text\n", CsvLayout(header_rows=3)) == []


def test_three_header_rows_of_a_survey_are_known() -> None:
    """Qualtrics writes names, questions (with line ends in them) and ids of import."""
    ids = '"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"'
    assert rows_of(f'a,b\nResponse,"How?\nWhy?"\n{ids}\n1,x\n') == [Row(5, {"a": "1", "b": "x"})]
    assert [row.line for row in rows_of('a,b\n1,"x\ny"\n2,"x\n')] == [2, 4]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a;b\n", ";"),
        ("a\tb\n", "\t"),
        ("a,b\n", None),
        ("a\n", None),
        ("a;b, c;d\n", ";"),
        ("a,b;c,d\n", None),
    ],
)
def test_other_delimiter_is_found_in_the_header(text: str, other: str | None) -> None:
    """A header with more semicolons than commas was cut at the wrong character."""
    assert header_of(text).other_delimiter == other


def test_endless_line_above_the_rows_is_told() -> None:
    """A file without line ends, or a line to skip that is as long, is a sentence.

    Many short lines to skip are none of it.
    """
    with pytest.raises(ExportError, match="line 1: a row has 1,048,576 characters or more"):
        list(read_csv(io.StringIO("x" * 2_000_000)))
    with pytest.raises(ExportError, match="line 2: a row has 1,048,576 characters or more"):
        list(read_csv(io.StringIO("a\n" + "x" * 2_000_000 + "\na\n1\n"), CsvLayout(skip_lines=2)))
    report = io.StringIO(("x" * 1_000 + "\n") * 2_000 + "a\n1\n")
    assert list(read_csv(report, CsvLayout(skip_lines=2_000))) == [Row(2_002, {"a": "1"})]
