"""Reads rows of a CSV, one after the other; never the whole file in memory.

A stray quote spoils its own row. A quote that nobody closes would swallow the rows after it. Then
reading goes back, and continues at the next line that has the right number of cells.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TextIO

from voc_stream.importing.formats.csv_records import Lines, Record, Records
from voc_stream.importing.formats.rows import ExportError, Row, RowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Spreadsheets write this as the first line if the separator is not the comma.
_SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n])"?[\r\n]*', re.IGNORECASE)
_USUAL_DELIMITERS = ",;\t|"
_BADLY_ENCODED = (
    'is not in the encoding of the file; set `encoding` in [input], such as "gb18030" (Chinese) or'
    ' "cp1252" (Western Europe)'
)
# Qualtrics writes three header rows; the third holds such cells.
_IMPORT_ID = re.compile(r'\{\s*"ImportId"')


class CsvLayout(NamedTuple):
    """How a CSV is laid out.

    `skip_lines` lines stand before the header. The header has `header_rows` rows, and the first of
    them holds the names.
    """

    delimiter: str = ","
    skip_lines: int = 0
    header_rows: int = 1


class Header(NamedTuple):
    """The names of the columns, in order.

    `repeated` gives, for a name that stands over several columns, how to name each of them.
    `other_delimiter` occurs so often that it may be the right one.
    """

    names: tuple[str, ...]
    repeated: Mapping[str, tuple[str, ...]]
    other_delimiter: str | None


def read_csv(
    stream: TextIO,
    layout: CsvLayout = CsvLayout(),  # noqa: B008  a tuple, so nobody can change it
    *,
    check_header: Callable[[Header], None] = lambda _: None,
    is_event: Callable[[Row], bool] = lambda _: False,
) -> Iterator[Row | RowError]:
    """Rows of a CSV with a header. A column without a name is called `column 1` (its place).

    Args:
        stream: Opened with `newline=""`; bytes that are not in its encoding are lone surrogates.
        layout: Delimiter and header.
        check_header: Told the header before the first row; may raise.
        is_event: Whether a row is surely one. If a line within a cell is a row of its own, a quote
            is missing.

    Raises:
        ExportError: Nothing stands after the lines to skip, or after a quote nothing could be read.
    """
    lines = Lines(stream)
    try:
        delimiter = _take_separator(lines, layout)
    except csv.Error as error:
        raise ExportError(f"line {lines.number}: {error}; is it a CSV?") from error
    records = Records(lines, delimiter)
    header = _read_header(records)
    if header is None:
        return
    check_header(header)
    yield from _rows(
        records, _without_header_rows(records, layout.header_rows), header.names, is_event
    )


def _take_separator(lines: Lines, layout: CsvLayout) -> str:
    """Skip what stands before the header, and return the delimiter."""
    delimiter, skip = layout.delimiter, layout.skip_lines
    first = next(lines, "").removeprefix("\ufeff")  # as some encodings keep it
    if match := _SEPARATOR_LINE.fullmatch(first):
        delimiter, skip = match[1], skip - 1
    elif first:
        lines.give_back([first])
    for _ in range(skip):
        lines.begin_record()
        next(lines, None)
    return delimiter


def _read_header(records: Records) -> Header | None:
    line = records.line
    record = next(records, None)
    if record is None and line == 1:
        return None
    if record is None:
        raise ExportError(f"line {line}: there is no header with the names of the columns")
    if record.problem:
        raise ExportError(f"line {record.line}: the header {record.problem}")
    if any(map(_is_badly_encoded, record.cells)):
        raise ExportError(f"line {record.line}: the header {_BADLY_ENCODED}")
    given = [name.strip() or f"column {place}" for place, name in enumerate(record.cells, start=1)]
    counts = Counter(given)
    names = [
        name if counts[name] == 1 else f"column {place}"
        for place, name in enumerate(given, start=1)
    ]
    repeated = {
        name: tuple(names[place] for place, other in enumerate(given) if other == name)
        for name, count in counts.items()
        if count > 1
    }
    text = "".join(record.lines)
    other = max((mark for mark in _USUAL_DELIMITERS if mark != records.delimiter), key=text.count)
    return Header(tuple(names), repeated, other if text.count(other) >= len(names) else None)


def _without_header_rows(records: Records, header_rows: int) -> Iterator[Record]:
    if header_rows > 1:
        yield from itertools.islice(records, header_rows - 1, None)
        return
    first, second = next(records, None), next(records, None)
    if second is not None and second.cells and all(map(_IMPORT_ID.match, second.cells)):
        first = None
    elif second is not None:
        records.read_again(
            second._replace(lines=second.lines[:1]) if second.problem else second, whole=True
        )
    if first is not None:
        yield first
    yield from records


def _rows(
    source: Records,
    records: Iterable[Record],
    names: tuple[str, ...],
    is_event: Callable[[Row], bool],
) -> Iterator[Row | RowError]:
    lost: RowError | None = None
    for record in records:
        if not record.problem and not any(map(str.strip, record.cells)):
            continue  # as spreadsheets leave them behind: it says as little as an empty line
        problem = _torn(record, names, is_event, source.delimiter)
        if not problem:
            if lost is not None:
                yield lost._replace(
                    problem=f"{lost.problem}; reading goes on at line {record.line}"
                )
                lost = None
            yield _row(record, names)
            continue
        if not record.problem:
            source.read_again(record)
        if lost is not None:
            lost = lost._replace(lines=lost.lines + 1)
        elif len(record.lines) > 1:
            lost = RowError(record.line, problem)
        else:
            yield RowError(record.line, problem)
    if lost is not None and lost.lines > 1:
        raise ExportError(
            f"line {lost.line}: {lost.problem}; no later row could be read: {lost.lines:,} lines up"
            f" to the end of the file were not read"
        )
    if lost is not None:
        yield lost


def _torn(
    record: Record, names: tuple[str, ...], is_event: Callable[[Row], bool], delimiter: str
) -> str:
    """Why the record is not one whole row, or nothing."""
    if record.problem:
        return record.problem
    if len(record.cells) != len(names):
        return (
            f"has {len(record.cells)} cells where the header has {len(names)}; check its quotes and"
            f" the delimiter"
        )
    if len(record.lines) > 1 and _hides_event(record, names, is_event, delimiter):
        last = record.line + len(record.lines) - 1
        return f"a quote opens a cell that takes in the rows up to line {last}; check its quotes"
    return ""


def _hides_event(
    record: Record, names: tuple[str, ...], is_event: Callable[[Row], bool], delimiter: str
) -> bool:
    for line in record.lines[1:]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        if len(cells) == len(names):
            row = _row(Record(record.line, (line,), cells), names)
            if isinstance(row, Row) and is_event(row):
                return True
    return False


def _row(record: Record, names: tuple[str, ...]) -> Row | RowError:
    if any(_is_badly_encoded(cell) for cell in record.cells):
        return RowError(record.line, _BADLY_ENCODED)
    return Row(
        record.line, {name: cell.strip() for name, cell in zip(names, record.cells, strict=True)}
    )


def _is_badly_encoded(cell: str) -> bool:
    # Bytes that could not be decoded stand as lone surrogates.
    return not cell.isascii() and any("\ud800" <= character <= "\udfff" for character in cell)
