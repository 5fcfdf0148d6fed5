from __future__ import annotations

import io
import tracemalloc

import pytest

from voc_stream.importing.formats.rows import ExportError, Row
from voc_stream.importing.formats.xes_rows import read_xes

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


def test_xes_gives_the_columns_of_the_csv_export() -> None:
    """Attributes of the trace, also those after its events, begin with `case:`.

    Globals and nested attributes are no columns.
    """
    case = {"case:concept:name": "case-1", "case:startdate": "2011-10-11T13:42:22+02:00"}
    assert list(read_xes(io.BytesIO(XES.encode()))) == [
        Row(
            7,
            {
                **case,
                "concept:name": "receive & confirm",
                "time:timestamp": "2011-10-11T13:45:40.276+02:00",
            },
        ),
        Row(11, {**case, "concept:name": "check"}),
        Row(14, {"case:concept:name": "case-2", "n": "3"}),
    ]


def test_doctype_is_refused() -> None:
    """A few entities that contain each other would fill the memory; XES needs no DOCTYPE."""
    bomb = (
        '<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b'
        ' "&a;&a;&a;">]><log><trace><event>&b;</event></trace></log>'
    )
    with pytest.raises(ExportError, match="line 1: has a DOCTYPE"):
        list(read_xes(io.BytesIO(bomb.encode())))


def test_broken_xml_keeps_the_rows_before_it() -> None:
    """A file that is cut off gives what it still holds, and then the line of the error."""
    rows = read_xes(io.BytesIO(XES[: XES.index("  <trace><string")].encode()))
    assert [next(rows).line, next(rows).line] == [7, 11]
    with pytest.raises(ExportError, match="line 14: ends in the middle; what follows was not read"):
        next(rows)


def test_error_costs_no_row_before_it() -> None:
    """However near it is: rows are not lost because they were read in one piece with it.

    Those of an open trace are counted.
    """
    rows = read_xes(io.BytesIO(XES.encode() + b"junk"))
    assert [next(rows).line for _ in range(3)] == [7, 11, 14]
    with pytest.raises(
        ExportError,
        match="line 16: is not valid XML: junk after document element; what follows was not read",
    ):
        next(rows)
    with pytest.raises(
        ExportError,
        match="line 12: ends in the middle; the 2 events of the trace at hand, and what follows,"
        " were not read",
    ):
        list(read_xes(io.BytesIO(XES[: XES.index('    <date key="startdate"')].encode())))


@pytest.mark.parametrize("encoding", ["gb18030", "klingon", "base64"])
def test_encoding_that_cannot_be_read_is_told(encoding: str) -> None:
    """It is a sentence, not a traceback."""
    with pytest.raises(
        ExportError, match=r"line 1: its encoding cannot be read .*: write it in UTF-8"
    ):
        list(read_xes(io.BytesIO(XES.replace("UTF-8", encoding).encode())))


def test_memory_does_not_grow_with_the_log() -> None:
    """A log of any length needs the memory of one trace."""
    trace = (
        b'<trace><string key="concept:name" value="c"/>'
        + b'<event><string key="concept:name" value="e"/></event>' * 5
        + b"</trace>"
    )

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
