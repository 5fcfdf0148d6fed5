from __future__ import annotations

import io
import tracemalloc

import pytest

from voc_stream.mapping.rows import ExportError, Row, RowError, read_csv, read_xes

XES = """\
<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <global scope="event"><string key="concept:name" value="ignored"/></global>
  <string key="concept:name" value="the log"/>
  <trace>
    <string key="concept:name" value="case-1"/>
    <event>
      <string key="concept:name" value="receive &amp; confirm"><string key="nested" value="no"/></string>
      <date key="time:timestamp" value="2011-10-11T13:45:40.276+02:00"/>
    </event>
    <event><string key="concept:name" value="check"/></event>
    <date key="startdate" value="2011-10-11T13:42:22+02:00"/>
  </trace>
  <trace><string key="concept:name" value="case-2"/><event><int key="n" value="3"/></event></trace>
</log>
"""


def test_csv_row_knows_the_line_on_which_it_begins() -> None:
    """With line ends inside cells, the number that is reported is still the one an editor shows."""
    text = 'a,b\r\n"1\n2",x\n\n3, y \n'
    assert list(read_csv(io.StringIO(text, newline=""))) == [Row(2, {"a": "1\n2", "b": "x"}), Row(5, {"a": "3", "b": "y"})]


def test_nameless_column_is_called_by_its_place() -> None:
    """The first column of an export from R has no name, and can be used nevertheless."""
    assert list(read_csv(io.StringIO('"";x\n"1";7\n'), ";")) == [Row(2, {"column 1": "1", "x": "7"})]


def test_row_of_another_length_or_encoding_spoils_only_itself() -> None:
    """One bad row costs one row."""
    stream = io.TextIOWrapper(io.BytesIO(b"a,b\n1\n\xff,2\n3,4\n"), encoding="utf-8", errors="surrogateescape", newline="")
    short, garbled, good = read_csv(stream)
    assert isinstance(short, RowError)
    assert short.problem.startswith("has 1 cells where the header has 2")
    assert isinstance(garbled, RowError)
    assert (garbled.line, garbled.problem.startswith("is not in the encoding")) == (3, True)
    assert good == Row(4, {"a": "3", "b": "4"})


@pytest.mark.parametrize(("text", "message"), [("", "no header"), ("a,b,a\n", "'a' occurs twice"), ('a\n"1\n', "line 2: is not valid CSV")])
def test_csv_that_is_none_is_an_error_of_the_file(text: str, message: str) -> None:
    """What makes every row doubtful ends the file, with its line."""
    with pytest.raises(ExportError, match=message):
        list(read_csv(io.StringIO(text)))


def test_xes_gives_the_columns_of_the_csv_export() -> None:
    """Attributes of the trace, also those after its events, begin with `case:`; globals and nested attributes are no columns."""
    case = {"case:concept:name": "case-1", "case:startdate": "2011-10-11T13:42:22+02:00"}
    assert list(read_xes(io.BytesIO(XES.encode()))) == [
        Row(7, {**case, "concept:name": "receive & confirm", "time:timestamp": "2011-10-11T13:45:40.276+02:00"}),
        Row(11, {**case, "concept:name": "check"}),
        Row(14, {"case:concept:name": "case-2", "n": "3"}),
    ]


def test_doctype_is_refused() -> None:
    """A few entities that contain each other would fill the memory; XES needs no DOCTYPE."""
    bomb = '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><log><trace><event>&b;</event></trace></log>'
    with pytest.raises(ExportError, match="line 1: has a DOCTYPE"):
        list(read_xes(io.BytesIO(bomb.encode())))


def test_broken_xml_keeps_the_rows_before_it() -> None:
    """A file that is cut off gives what it still holds, and then the line of the error."""
    rows = read_xes(io.BytesIO(XES[: XES.index("  <trace><string")].encode()))
    assert [next(rows).line, next(rows).line] == [7, 11]
    with pytest.raises(ExportError, match="line 14: is not valid XML: no element found"):
        next(rows)


def test_memory_does_not_grow_with_the_log() -> None:
    """A log of any length needs the memory of one trace."""
    trace = b'<trace><string key="concept:name" value="c"/>' + b'<event><string key="concept:name" value="e"/></event>' * 5 + b"</trace>"

    class Endless(io.RawIOBase):
        def __init__(self, traces: int) -> None:
            self.parts = iter([b"<log>", *([trace * 100] * (traces // 100)), b"</log>"])

        def read(self, _: int = -1) -> bytes:
            return next(self.parts, b"")

    tracemalloc.start()
    try:
        assert len([None for _ in read_xes(Endless(5000))]) == 25_000  # type: ignore[arg-type]  # read() is all it needs
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
