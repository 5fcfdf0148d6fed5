"""Rows of a CSV or an XES export, one after the other; never the whole file in memory.

Both give the same columns for the same process log: attributes of a case begin with `case:`, those of an event stand alone.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CASE_PREFIX = "case:"
_CHUNK_BYTES = 1 << 16
_XES_VALUES = frozenset({"string", "date", "int", "float", "boolean", "id"})


class Row(NamedTuple):
    """One row: the line on which it begins, and its cells by column, surrounding blanks removed."""

    line: int
    cells: Mapping[str, str]


class RowError(NamedTuple):
    """A row that gave no event, or not all of its events; the others are not affected."""

    line: int
    problem: str


class ExportError(ValueError):
    """The file as a whole cannot be read as what it should be; the message says at which line."""


def read_csv(stream: TextIO, delimiter: str = ",") -> Iterator[Row | RowError]:
    """Rows of a CSV with a header line. A column without a name is called `column 1` (its place).

    Args:
        stream: opened with `newline=""`, and with `errors="surrogateescape"` so that a badly encoded row spoils only itself.
        delimiter: one character.

    Raises:
        ExportError: There is no header, a name occurs twice in it, or a quoted cell does not end.
    """
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    line = 1
    try:
        header = [name.strip() or f"column {place}" for place, name in enumerate(next(reader, []), start=1)]
        _check_header(header)
        line = reader.line_num + 1
        for record in reader:
            if record:  # csv gives an empty list for an empty line
                yield _csv_row(line, header, record)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ExportError(f"line {line}: is not valid CSV: {error}") from error


def _check_header(header: list[str]) -> None:
    if not header:
        raise ExportError("line 1: there is no header with the names of the columns")
    for name in header:
        if header.count(name) > 1:
            raise ExportError(f"line 1: the column {name!r} occurs twice; rename one of them")


def _csv_row(line: int, header: list[str], record: list[str]) -> Row | RowError:
    if len(record) != len(header):
        return RowError(line, f"has {len(record)} cells where the header has {len(header)}; is the delimiter right?")
    if any(_is_badly_encoded(cell) for cell in record):
        return RowError(line, "is not in the encoding of the file; set `encoding` in [input]")
    return Row(line, {name: cell.strip() for name, cell in zip(header, record, strict=True)})


def _is_badly_encoded(cell: str) -> bool:
    # Bytes that could not be decoded stand as lone surrogates.
    return not cell.isascii() and any("\ud800" <= character <= "\udfff" for character in cell)


def read_xes(stream: BinaryIO) -> Iterator[Row | RowError]:
    """One row for each event of an XES log, with the attributes of its trace; nested attributes are left out.

    Raises:
        ExportError: It is not XML, or it has a DOCTYPE, which XES does not need and which can make a small file expand without end.
    """
    log = _XesLog()
    ended = False
    while not ended:
        chunk = stream.read(_CHUNK_BYTES)
        ended = not chunk
        log.feed(chunk, is_final=ended)
        yield from log.take()


class _XesLog:
    """A push parser. It keeps the events of the trace at hand, because attributes of a trace may follow its events."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._open: list[str] = []
        self._case: dict[str, str] = {}
        self._events: list[tuple[int, dict[str, str]]] = []
        self._finished: list[Row | RowError] = []

    def feed(self, chunk: bytes, *, is_final: bool) -> None:
        try:
            self._parser.Parse(chunk, is_final)
        except expat.ExpatError as error:
            raise ExportError(f"line {error.lineno}: is not valid XML: {expat.ErrorString(error.code)}") from error

    def take(self) -> list[Row | RowError]:
        finished, self._finished = self._finished, []
        return finished

    def _refuse_doctype(self, *_: object) -> None:
        raise ExportError(f"line {self._parser.CurrentLineNumber}: has a DOCTYPE, which is refused; XES needs none")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        parent = self._open[-1] if self._open else ""
        self._open.append(name)
        if name == "event":
            self._events.append((self._parser.CurrentLineNumber, {}))
        elif name in _XES_VALUES and parent == "trace":
            self._case[CASE_PREFIX + attributes.get("key", "")] = attributes.get("value", "").strip()
        elif name in _XES_VALUES and parent == "event":
            self._events[-1][1][attributes.get("key", "")] = attributes.get("value", "").strip()

    def _end(self, tag: str) -> None:
        self._open.pop()
        if tag.rpartition(":")[2] == "trace":
            self._finished += [Row(line, {**self._case, **cells}) for line, cells in self._events]
            self._case = {}
            self._events = []
