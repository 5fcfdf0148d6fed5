"""Reads events from files for `check` and `push`: JSON Lines as they are, CSV and XES by a mapping.

Every line is validated as a worker would.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from voc_stream.counted import counted
from voc_stream.events.decode import MAXIMUM_MESSAGE_BYTES, Refusal, decode
from voc_stream.importing.apply import MappedEvent, map_rows
from voc_stream.importing.export_formats import EXPORTS, csv_rows
from voc_stream.importing.formats.file_content import (
    LOOKED_AT_BYTES,
    refuse_content,
    refuse_json_content,
)
from voc_stream.importing.formats.rows import ExportError, Row, RowError
from voc_stream.importing.load_mapping import parse_mapping
from voc_stream.importing.mapping import MappingError, RowMapping
from voc_stream.importing.open_file import STANDARD_INPUT, counted_bytes, open_bytes, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from voc_stream.catalogue.model import Catalogue
    from voc_stream.events.types import AnyInput

# The reason that is given for a file, or its rest, that was not read.
UNREADABLE = "unreadable"
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# `decode` refuses anything longer already. Reading no further keeps a file without line ends out of
# memory.
_LONGEST_LINE = MAXIMUM_MESSAGE_BYTES + 2


class Line(NamedTuple):
    """One event of a file with the bytes to send, or a problem.

    A problem has a short reason to count by, and a sentence. `number` is that of the line, 0 if the
    whole file is meant; `lines` is how many lines are meant.
    """

    file: str
    number: int
    value: bytes
    event: AnyInput | None
    reason: str = ""
    problem: str = ""
    lines: int = 1


def load_mapping(path: Path) -> RowMapping:
    """Read a mapping file. Raises MappingError."""
    try:
        return parse_mapping(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise MappingError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: is not UTF-8") from error


def require_mapping(names: Sequence[str], mapping: RowMapping | None) -> None:
    """Raise MappingError for the first file that needs a mapping and has none.

    This happens before anything is sent. It is also raised if standard input is named twice,
    because that can be read only once.
    """
    if names.count(STANDARD_INPUT) > 1:
        raise MappingError("`-` stands twice in FILES, but standard input can be read only once")
    for name in names:
        if mapping is None and _kind(name) in EXPORTS:
            raise MappingError(
                f"{name}: this needs --mapping FILE.toml; docs/howto/map.md says how to write one"
            )


def read_events(
    name: str,
    mapping: RowMapping | None,
    now: datetime,
    catalogue: Catalogue,
    on_bytes: Callable[[int], None] = lambda _: None,
    *,
    on_silent_rows: Callable[[int], None] = lambda _: None,
) -> Iterator[Line]:
    """Every event and every problem of one file, in order.

    Args:
        name: A path, or `-` for standard input. gzip is unpacked; `.jsonl`, `.ndjson` and `.json`
            are JSON Lines whatever the mapping.
        mapping: For CSV (also on standard input) and XES.
        now: The present, for times in the future.
        catalogue: The experiences that may be named.
        on_bytes: Told, now and then, how many bytes of the file have been read since the last time.
        on_silent_rows: Told at the end how many rows gave neither an event nor a problem.
    """
    rows = _Rows()
    number = 0
    try:
        with open_bytes(name) as raw:
            for line in _lines(_kind(name), unpacked(counted_bytes(raw, on_bytes)), mapping, rows):
                number = line.line
                rows.heard()
                yield _with_advice(_validated(name, line, now, catalogue), mapping)
        if not number:
            yield Line(name, 0, b"", None, "no_events", rows.explain_nothing())
        else:
            on_silent_rows(rows.silent)
    except (ExportError, MappingError) as error:
        yield Line(name, 0, b"", None, UNREADABLE, str(error))
    except (OSError, EOFError, UnicodeError, zlib.error) as error:
        yield Line(
            name,
            0,
            b"",
            None,
            UNREADABLE,
            f"cannot be read to its end: {_cause(error)}; {_rest(max(number, rows.line))}",
        )


def _with_advice(line: Line, mapping: RowMapping | None) -> Line:
    """The line with advice about a CSV.

    Under another name, or from a pipe, only its first line tells.
    """
    if (
        mapping is None
        and line.number == 1
        and line.reason == "invalid_json"
        and _kind(line.file) not in _JSON_LINES
    ):
        return line._replace(
            problem=f"{line.problem}; if this is a CSV, it needs --mapping FILE.toml"
        )
    return line


def _cause(error: Exception) -> str:
    return (
        "its packed content is cut off; copy or export it again"
        if isinstance(error, EOFError)
        else str(error)
    )


def _rest(line: int) -> str:
    return f"what follows line {line:,} was not read" if line else "nothing of it was read"


class _Rows:
    """Counts rows as they pass, and rows that gave nothing; `line` is that of the latest row."""

    def __init__(self) -> None:
        self._count = 0
        self._gave = False
        self.silent = 0
        self.line = 0

    def counted(self, rows: Iterable[Row | RowError]) -> Iterator[Row | RowError]:
        for row in rows:
            self._count += 1
            self._gave = False
            self.line = row.line
            yield row
            # The next row is asked for when all that this one gives has been taken.
            self.silent += not self._gave

    def heard(self) -> None:
        """Note that the row at hand gave something."""
        self._gave = True

    def explain_nothing(self) -> str:
        """Why the file gave no event."""
        if not self._count:
            return "has no rows; is it the right file?"
        return (
            f"has {counted(self._count, 'row')}, and no `when` of the mapping holds for any of"
            f" them; is it the right file?"
        )


def _lines(
    kind: str, stream: BinaryIO, mapping: RowMapping | None, counter: _Rows
) -> Iterator[MappedEvent | RowError]:
    first = stream.peek(LOOKED_AT_BYTES)[:LOOKED_AT_BYTES]  # type: ignore[attr-defined]  # it is always a buffered reader
    if problem := refuse_content(first):
        raise ExportError(problem)
    if mapping is None or kind in _JSON_LINES:
        if problem := refuse_json_content(first):
            raise ExportError(problem)
        return _json_lines(stream)
    # Under another name, or from a pipe, it is a CSV.
    read_rows = EXPORTS.get(kind, csv_rows)
    return map_rows(counter.counted(read_rows(stream, first, mapping)), mapping)


def _kind(name: str) -> str:
    return Path(name.removesuffix(".gz")).suffix.lower()


def _validated(
    name: str, line: MappedEvent | RowError, now: datetime, catalogue: Catalogue
) -> Line:
    if isinstance(line, RowError):
        return Line(name, line.line, b"", None, "mapping", line.problem, line.lines)
    decoded = decode(line.value, now, catalogue)
    if isinstance(decoded, Refusal):
        return Line(name, line.line, line.value, None, decoded.reason, decoded.detail)
    return Line(name, line.line, line.value, decoded)


def _json_lines(stream: BinaryIO) -> Iterator[MappedEvent | RowError]:
    """The lines with a text in them, without their line ends. The bytes are otherwise untouched."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        value = line.rstrip(b"\r\n")
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            _skip_line(stream)
        if value.strip():
            yield MappedEvent(number, value)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass
