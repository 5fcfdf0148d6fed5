"""Lists the formats of exports, each once: how a name ends, and how its content becomes rows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from voc_stream.importing.apply import gives_event
from voc_stream.importing.formats.csv_rows import read_csv
from voc_stream.importing.formats.file_content import refuse_csv_content
from voc_stream.importing.formats.rows import ExportError, Row, RowError
from voc_stream.importing.formats.text_encoding import MARK_ERRORS, encoding_of
from voc_stream.importing.formats.xes_rows import read_xes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from voc_stream.importing.mapping import RowMapping

ReadRows: TypeAlias = "Callable[[BinaryIO, bytes, RowMapping], Iterator[Row | RowError]]"
"""Reads the rows of an unpacked file; it is given the first bytes, too.

Raises ExportError if the file is of no use.
"""


def csv_rows(stream: BinaryIO, first: bytes, mapping: RowMapping) -> Iterator[Row | RowError]:
    """The rows of a CSV, in the layout and the encoding of the mapping."""
    encoding = encoding_of(first, mapping.encoding)
    if problem := refuse_csv_content(first, encoding):
        raise ExportError(problem)
    return read_csv(
        io.TextIOWrapper(stream, encoding=encoding, errors=MARK_ERRORS, newline=""),
        mapping.layout,
        check_header=mapping.check_columns,
        is_event=lambda row: gives_event(row, mapping),
    )


def _xes_rows(stream: BinaryIO, _: bytes, __: RowMapping) -> Iterator[Row | RowError]:
    return read_xes(stream)


EXPORTS: Mapping[str, ReadRows] = {".csv": csv_rows, ".tsv": csv_rows, ".xes": _xes_rows}
"""By how the name ends, without `.gz`. A file of any of them needs a mapping."""
